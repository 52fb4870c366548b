"""The options of a scoring run."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal, get_args

import tyro

from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.runtime.command_line import Command
from pipelines.sizes import READ_DEADLINE

#: Formats of the tables, by the suffix of their files.
Format = Literal["csv", "parquet", "jsonl"]


@dataclass(frozen=True, kw_only=True)
class AnswerOptions(VoteOptions):
    """What answers for a film, and how the film is read: by `score` and by a node alike."""

    model: Path
    """exported model: saved_models/NAME (its newest version), saved_models/NAME/VERSION, or the
    name of a released one, such as cxr_triage@5, which is fetched once from $CXR_TF_MODELS_URL"""
    server: str = ""
    """let TensorFlow Serving at this address, grpc://HOST:8500 or http://HOST:8501, answer by
    the model that it serves under the same name; of --model only the card is read"""
    deadline: float = 60.0
    """seconds after which a request to the server is given up"""
    voi: bool = False
    """apply a DICOM file's VOI LUT, or its first window"""
    header_check: bool = True
    """believe a DICOM header that names another view, part of the body or modality, and refuse the
    film (not_chest_film); --no-header-check has the model's gate alone decide"""
    read_deadline: float = READ_DEADLINE
    """seconds after which the decoding of a film is given up: it is unreadable then"""


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(AnswerOptions):
    """Decide the class of radiographs by an exported model, and write `scores.csv`.

    Research use only. Not a medical device.

    A run that was stopped or killed goes on where it was when the same command is given again. A
    complete run keeps its rows, too: only films that are new, or that failed and whose file has
    changed, are scored.

    Exit status: 0 done (a refusal such as no_lung is an answer), 1 some inputs failed, 2 wrong
    usage or a folder in use, 130 interrupted by Ctrl-C, 143 by SIGTERM (what was done stays in
    scores.csv.partial).
    """

    inputs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PATH")]
    """films (PNG, JPEG, DICOM, raw JSRT), folders, ZIP archives, patterns such as 'films/**/*.png',
    or CSV tables with a path column; films, folders and tables also at s3:// and gs:// (extra
    cloud)"""
    out: Path
    """folder for scores.csv, run.json and what else is asked for"""
    where: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """of CSV tables take only the rows with these values, such as split_classification=test"""
    overlays: bool = False
    """draw each film with mask outline and saliency into OUT/overlays"""
    report: bool = False
    """write OUT/report: a worklist for triage and a page for each film, opened from disk"""
    dicom_out: bool = False
    """write for each DICOM film segmentation, saliency and structured report into OUT/dicom
    (extra dicom). They belong to the film's study and name its patient, as the film does"""
    patch_table: bool = False
    """write patches.csv: centre, probabilities and vote of every patch"""
    engine: Literal["local", "ray"] = "local"
    """ray scores on several processes or machines (extra distributed) and writes the same table
    of scores, but no other output"""
    ray_address: str = ""
    """a running Ray cluster that this machine is part of: auto, or HOST:PORT; without it one is
    started here"""
    workers: int = 0
    """workers of --engine ray, each with a model of its own; 0 for one on each GPU, or one for
    every 4 CPUs"""
    format: tyro.conf.UseAppendAction[tuple[Format, ...]] = ()
    """formats of the finished tables, one or several: csv (the default), parquet with typed
    columns (extra parquet), jsonl with one object a row"""
    requests: int = 1
    """requests to the server under way at once, 1 to 64"""
    keep_identifiers: bool = False
    """write identifiers.csv: PatientID and UIDs of DICOM files, in plain text"""
    hash_identifiers: Path | None = None
    """write identifiers.csv with salted hashes in their place. PATH is the file that holds the
    salt; it is made if it is missing. Without this and --keep-identifiers, no output but those
    of --dicom-out holds anything of a DICOM header."""
    restart: bool = False
    """drop what an earlier run in OUT has done, and score every film anew"""
    retry_failed: bool = False
    """try every film again that failed; without it, only those whose file has another size or
    time now"""
    recursive: bool = True
    """look into sub-folders"""
    quiet: bool = False
    """say nothing but warnings and errors"""
    log_json: bool = False
    """log to stderr as one JSON object a line"""

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats of the finished tables, each once; CSV where none is named."""
        return tuple(dict.fromkeys(self.format)) or ("csv",)

    @property
    def explains(self) -> bool:
        """Whether the model is asked for maps and patches too."""
        return self.draws or self.patch_table

    @property
    def draws(self) -> bool:
        """Whether films get files of their own."""
        return self.overlays or self.report or self.dicom_out

    @property
    def voting(self) -> VoteOptions:
        """How films are put to the vote."""
        return VoteOptions(
            **{field.name: getattr(self, field.name) for field in fields(VoteOptions)}
        )


#: The command line, the common options first.
COMMAND = Command(
    ScoreOptions,
    {
        "film and output": "inputs model out report overlays where recursive restart retry_failed",
        "vote": "patches rule refer_below gate decision_only fast vote stride seed",
        "DICOM": "dicom_out voi header_check keep_identifiers hash_identifiers",
        "table and record": "format patch_table read_deadline quiet log_json",
        "server and process": "server requests deadline engine workers ray_address",
    },
    "--model saved_models/cxr_triage --out scores --report films/",
)


def spread_formats(arguments: Sequence[str]) -> list[str]:
    """Write `--format csv parquet FILM` as `--format csv --format parquet FILM`.

    Args:
        arguments: of the command line.

    Returns:
        The same with every format behind a `--format` of its own, so that a film may stand behind.
    """
    spread: list[str] = []
    names, more = get_args(Format), False
    for argument in arguments:
        if more and argument in names and spread[-1] in names:
            spread.append("--format")
        more = argument == "--format" or (more and argument in names)
        spread.append(argument)
    return spread
