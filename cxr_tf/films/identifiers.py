"""DICOM identifiers in a table of their own: hashed with a salt, or in plain text if kept.

No other table holds anything of a DICOM header: file names are the user's own. DICOM results
(`cxr_tf.scoring.dicom`) belong to the film's study and say so as the film does.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cxr_tf.runtime.errors import UsageError

#: The table's columns: the path as in `scores.csv`, then DICOM's names.
COLUMNS = ("path", "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
LEAST_SALT = 16
_DIGITS = 32

Identify = Callable[[Path], tuple[str, ...] | None]


def salted_hash(salt: bytes, name: str, value: str) -> str:
    """Hash one identifier so that only the owner of the salt can test a guess.

    Args:
        salt: the secret.
        name: which identifier it is; equal values of two kinds get different hashes.
        value: the identifier.

    Returns:
        32 hexadecimal digits of HMAC-SHA-256; '' for an empty value.
    """
    if not value:
        return ""
    digest = hmac.new(salt, f"{name}\0{value}".encode("utf-8", "surrogateescape"), hashlib.sha256)
    return digest.hexdigest()[:_DIGITS]


def read_salt(path: Path) -> bytes:
    """Read the salt of the hashes, and make one where there is none.

    Args:
        path: a file of at least 16 bytes; a new one is readable by its owner only.

    Returns:
        The salt, white space at its ends left out.

    Raises:
        UsageError: it cannot be read or made, or is too short.
    """
    try:
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32) + "\n")
        salt = path.read_bytes().strip()
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(
            f"--hash-identifiers {path} cannot be read or made ({reason}): name a file"
        ) from None
    if len(salt) < LEAST_SALT:
        raise UsageError(
            f"--hash-identifiers {path} has {len(salt)} bytes: give at least {LEAST_SALT} random "
            "ones, or name a new file"
        )
    return salt


def identifier_reader(keep: bool, salt_file: Path | None, out: Path) -> Identify | None:
    """Choose what the table of identifiers will hold.

    Args:
        keep: the identifiers in plain text.
        salt_file: hash them with the salt in this file.
        out: folder of the results, which must not hold the salt.

    Returns:
        A function from a film to its identifiers, in the order of `COLUMNS` without the path,
        None for a film that is no DICOM file; None where no table is asked for.

    Raises:
        UsageError: both are asked for, or the salt cannot be used.
    """
    if keep and salt_file is not None:
        raise UsageError("give either --keep-identifiers or --hash-identifiers, not both")
    if not keep and salt_file is None:
        return None
    salt = None
    if salt_file is not None:
        if salt_file.resolve().is_relative_to(out.resolve()):
            raise UsageError(
                f"--hash-identifiers {salt_file} lies in --out: keep the salt apart from the hashes"
            )
        salt = read_salt(salt_file)

    def identify(path: Path) -> tuple[str, ...] | None:
        from pipelines.dicom.apart import read_identifiers_apart

        found = read_identifiers_apart(path)
        if found is None:
            return None
        if salt is None:
            return tuple(found[name] for name in COLUMNS[1:])
        return tuple(salted_hash(salt, name, found[name]) for name in COLUMNS[1:])

    return identify
