"""Films that are sent to a node, by pynetdicom and by dcmtk."""

import shutil
import subprocess

import numpy as np
import pytest
from pydicom import dcmread

from tools.phantoms.chest import LABELS, phantom
from tools.phantoms.files import write_dicom


def write_phantoms(folder, count, size=320, **elements):
    """Films of different patients, each with a study of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        drawn = phantom(LABELS[number % len(LABELS)], np.random.default_rng(number), size)
        paths.append(folder / f"{number:03}.dcm")
        write_dicom(paths[-1], drawn.pixels, key=f"{folder.name} {number}", **elements)
    return paths


def send(port, datasets, calling="SENDER", called="CXRTF", context=None):
    """Send data sets in one association; the status of each, None where there was no answer."""
    from pynetdicom import AE

    entity = AE(calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 20
    datasets = [dcmread(each) if not hasattr(each, "SOPClassUID") else each for each in datasets]
    for each in datasets:
        entity.add_requested_context(each.SOPClassUID, each.file_meta.TransferSyntaxUID)
    tls = None if context is None else (context, "localhost")
    association = entity.associate("127.0.0.1", port, ae_title=called, tls_args=tls)
    if not association.is_established:
        return []
    try:
        return [association.send_c_store(each).get("Status") for each in datasets]
    finally:
        association.release()


def storescu(port, *paths, options=()):
    """Send files by dcmtk; the finished process."""
    if shutil.which("storescu") is None:
        pytest.skip("no storescu: apt-get install dcmtk")
    command = ["storescu", *(options or ["-aec", "CXRTF"]), "127.0.0.1", str(port), *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)
