"""The options of a scoring run, in the groups that `--help` shows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from pipelines.sizes import READ_DEADLINE

#: Formats of the tables, by the suffix of their files.
Format = Literal["csv", "parquet", "jsonl"]


@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """What is scored, by which model, and where to."""

    inputs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PATH")]
    """films (PNG, JPEG, DICOM, raw JSRT), folders, ZIP archives, patterns such as 'films/**/*.png',
    or CSV tables with a path column; films, folders and tables also at s3:// and gs:// (extra
    cloud)"""
    model: Path
    """saved_models/NAME (its newest version) or saved_models/NAME/VERSION"""
    out: Path
    """folder for scores.csv, run.json and what else is asked for"""
    report: bool = False
    """write OUT/report: a worklist for triage and a page for each film, opened from disk"""
    overlays: bool = False
    """draw each film with mask outline and saliency into OUT/overlays"""


@dataclass(frozen=True, kw_only=True)
class FilmOptions:
    """Which films are taken, and how they are read."""

    where: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """of CSV tables take only the rows with these values, such as split_classification=test"""
    recursive: bool = True
    """look into sub-folders"""
    voi: bool = False
    """apply a DICOM file's VOI LUT, or its first window"""
    header_check: bool = True
    """believe a DICOM header that names another view, part of the body or modality, and refuse the
    film (not_chest_film); --no-header-check has the model's gate alone decide"""
    read_deadline: float = READ_DEADLINE
    """seconds after which the decoding of a film is given up: it is unreadable then"""


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """What is written beside scores.csv and the report."""

    format: tyro.conf.UseAppendAction[tuple[Format, ...]] = ()
    """of the finished tables, several behind each other: csv (where nothing else is said), parquet
    with typed columns (extra parquet), jsonl with an object a row"""
    patch_table: bool = False
    """write patches.csv: centre, probabilities and vote of every patch"""
    dicom_out: bool = False
    """write for each DICOM film segmentation, saliency and structured report into OUT/dicom (extra
    dicom). They belong to the film's study: patient and UIDs stand in them, as in the film"""
    keep_identifiers: bool = False
    """write identifiers.csv: PatientID and UIDs of DICOM files, in plain text"""
    hash_identifiers: Path | None = None
    """write identifiers.csv with salted hashes in their place; names the file that holds the salt,
    made if it is not there. Without either, no table holds anything of a DICOM header, and but for
    --dicom-out no output does."""


@dataclass(frozen=True, kw_only=True)
class MachineOptions:
    """Which process or machine does the work; by default this one alone."""

    server: str = ""
    """ask TensorFlow Serving at this address, grpc://HOST:8500 or http://HOST:8501, for what is
    served under the model's name; of --model only the card is read"""
    deadline: float = 60.0
    """seconds after which a request to the server is given up"""
    requests: int = 1
    """requests to the server under way at once, 1 to 64"""
    engine: Literal["local", "ray"] = "local"
    """ray scores on several processes or machines (extra distributed); the same table, no others"""
    ray_address: str = ""
    """a running Ray cluster that this machine is part of: auto, or HOST:PORT; without it one is
    started here"""
    workers: int = 0
    """of --engine ray, each with a model of its own; 0: one a GPU, or one for every 4 CPUs"""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run goes on, and what it says."""

    restart: bool = False
    """drop what an earlier run in OUT has done, and score every film anew"""
    retry_failed: bool = False
    """try every film again that failed; without, those whose file has another size or time now"""
    quiet: bool = False
    """say nothing but warnings and errors"""
    log_json: bool = False
    """log to stderr as one JSON object a line"""
