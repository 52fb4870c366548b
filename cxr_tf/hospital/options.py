"""The options of the node; no TensorFlow and no DICOM library is loaded."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import tyro

from cxr_tf.runtime.command_line import Command
from cxr_tf.scoring.options import AnswerOptions, ScoreOptions


@dataclass(frozen=True, kw_only=True)
class NodeOptions(AnswerOptions):
    """Receive films over DICOM or from a folder, score them, and send the results on.

    Research use only. Not a medical device.

    A film is on the disk before its sender is told so. A node that was stopped or killed goes on
    where it was when the same command is given again: nothing is lost and nothing done twice.

    Exit status: 2 wrong usage or a folder in use, 130 stopped by Ctrl-C, 143 by SIGTERM; a film in
    work is finished first.
    """

    folder: Path
    """folder of the node: queue, films, results, report; readable by its owner alone"""
    keep_identifiers: bool = False
    """write PatientID and UIDs into worklist.csv, in plain text"""
    hash_identifiers: Path | None = None
    """write salted hashes in their place. PATH is the file that holds the salt; it is made if it
    is missing"""
    listen: str = "127.0.0.1"
    """address to listen on for DICOM; 0.0.0.0 for all of this machine"""
    port: int = 11112
    """port to listen on for DICOM; 0 for none"""
    ae_title: str = "CXRTF"
    """the node's application entity title"""
    allow_ae: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """take films only from this calling AE title; may be given several times"""
    allow_address: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """take connections only from this address or network, such as 10.1.2.0/24; may be given several
    times"""
    tls_certificate: Path | None = None
    """speak DICOM over TLS, with the certificate (chain) in this PEM file"""
    tls_key: Path | None = None
    """PEM file of the certificate's private key"""
    tls_ca: Path | None = None
    """PEM file of authorities: senders and the destination must show a certificate that one of
    these has signed"""
    max_megabytes: int = 512
    """largest film that is taken, in MiB"""
    max_associations: int = 10
    """connections at once"""
    min_free_megabytes: int = 1024
    """MiB that must be free on the disk: with less, no film is taken and none is scored"""
    watch: Path | None = None
    """take films from this folder too, also those that come later; its files stay as they are"""
    send_to: str = ""
    """where DICOM results go: dicom://AET@HOST:PORT (C-STORE; dicoms:// over TLS), or the address
    of a DICOMweb service, such as https://HOST/dicom-web (STOW-RS; credentials from ~/.netrc)"""
    prune_days: float = 0.0
    """remove films and results so many days after all is done with them; 0 keeps them"""
    status_port: int = 0
    """port on 127.0.0.1 for Prometheus (/metrics) and a check of health (/health); 0 for none"""

    def check_numbers(self) -> str:
        """Say which number cannot be right; '' where all can."""
        for name in ("port", "status_port"):
            if not 0 <= getattr(self, name) < 2**16:
                return f"--{name.replace('_', '-')} {getattr(self, name)}: give 1 to 65535, or 0"
        for name in ("max_megabytes", "max_associations"):
            if getattr(self, name) < 1:
                return f"--{name.replace('_', '-')} {getattr(self, name)}: give a number from 1"
        if self.min_free_megabytes < 0 or not 0 <= self.prune_days < float("inf"):
            return "--min-free-megabytes and --prune-days are 0 or above"
        return ""

    def scoring(self, film: Path, out: Path) -> ScoreOptions:
        """Give the options by which `score` scores one film.

        Args:
            film: its file.
            out: folder for what is written of it.
        """
        return ScoreOptions(
            inputs=(str(film),), out=out, report=True, dicom_out=True, quiet=True,
            **{each.name: getattr(self, each.name) for each in fields(AnswerOptions)},
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class StatusOptions:
    """Say how a node gets on: films by state, how long the oldest waits, films an hour.

    Exit status: 0, or 2 where the folder holds no queue.
    """

    folder: Path
    """folder of the node"""
    json: bool = False
    """one JSON object instead of lines to read"""


Options = NodeOptions | StatusOptions

#: The command line of each step, the common options first.
COMMANDS: dict[str, Command[Any]] = {
    "run": Command(
        NodeOptions,
        {
            "model and folder": "model folder watch send_to prune_days min_free_megabytes "
            "status_port",
            "receiving": "port listen ae_title allow_ae allow_address max_associations "
            "max_megabytes tls_certificate tls_key tls_ca",
            "vote": "patches rule refer_below gate decision_only fast vote stride seed",
            "film": "voi header_check read_deadline keep_identifiers hash_identifiers",
            "server": "server deadline",
        },
        "--model saved_models/cxr_triage --folder node",
    ),
    "status": Command(StatusOptions, {}, "--folder node"),
}
