"""A decoder's process that does what the object's first byte tells: the worst of a codec."""

import os
import sys
import time

import numpy as np

from pipelines.dicom import worker
from pipelines.dicom.reading import DicomFilm


def decode(content, voi, header_check):
    if content[:1] == b"a":
        os.abort()
    if content[:1] == b"s":
        os.kill(os.getpid(), 11)  # SIGSEGV
    if content[:1] == b"x":
        os._exit(3)
    if content[:1] == b"l":
        time.sleep(60)
    if content[:1] == b"m":
        np.ones(1 << 30, np.uint8)
    if content[:1] == b"n":
        print("what a codec prints is no answer", flush=True)
    if content[:1] == b"j":
        return DicomFilm(np.ones((2, 3), np.uint8), 0, "")  # half of the bytes that it names
    return DicomFilm(np.full((2, 3), content[0], np.uint16), int(voi), "")


if __name__ == "__main__":
    sys.argv[2] = str(1 << 30)
    setattr(worker, "read_dicom", decode)  # noqa: B010 - it is not the worker's to export
    worker.main()
