"""What is on the other side of a node: who sends films, and who takes results."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread

from tools.node.running import free_port
from tools.phantoms.chest import LABELS, phantom
from tools.phantoms.files import make_folder, write_dicom


def write_films(folder: Path, count: int, size: int = 320, **elements: Any) -> list[Path]:
    """Draw films of different patients, each with a study of its own.

    Args:
        folder: for them; made where it is missing.
        count: how many.
        size: height and width in pixels.
        **elements: of all, by keyword.

    Returns:
        Their paths.
    """
    make_folder(folder)
    paths = []
    for number in range(count):
        drawn = phantom(LABELS[number % len(LABELS)], np.random.default_rng(number), size)
        paths.append(folder / f"{number:03}.dcm")
        write_dicom(paths[-1], drawn.pixels, key=f"{folder.name} {number}", **elements)
    return paths


def send(
    port: int,
    films: Iterable[Any],
    calling: str = "SENDER",
    called: str = "CXRTF",
    context: Any = None,
) -> list[int | None]:
    """Send films in one association.

    Args:
        port: of the node on this machine.
        films: paths or data sets.
        calling: AE title of the sender.
        called: AE title of the node.
        context: of TLS.

    Returns:
        The status of each, None where there was no answer; nothing without an association.
    """
    from cxr_tf.hospital.entity import new_entity

    entity = new_entity(calling)
    datasets = [dcmread(each) if isinstance(each, Path) else each for each in films]
    kinds = {(each.SOPClassUID, each.file_meta.TransferSyntaxUID) for each in datasets}
    for kind in sorted(kinds):
        entity.add_requested_context(*kind)
    tls = None if context is None else (context, "localhost")
    association = entity.associate("127.0.0.1", port, ae_title=called, tls_args=tls)
    if not association.is_established:
        return []
    answers: list[int | None] = []
    try:
        for each in datasets:
            try:
                answers.append(association.send_c_store(each).get("Status"))
            except RuntimeError:  # the association is gone
                answers.append(None)
        return answers
    finally:
        association.release()


class Archive:
    """Takes DICOM objects and counts them.

    Args:
        port: to listen on, by default a free one.

    Attributes:
        answer: status that is given.
        seconds: that an object takes.
        got: SOP instance UIDs of what came, in order.
    """

    def __init__(self, port: int = 0) -> None:
        from pynetdicom import AllStoragePresentationContexts, evt

        from cxr_tf.hospital.entity import new_entity

        self.port, self.answer, self.got = port or free_port(), 0x0000, list[str]()
        self.seconds = 0.0
        entity = new_entity("ARCHIVE")
        entity.supported_contexts = AllStoragePresentationContexts

        def store(event: Any) -> int:
            time.sleep(self.seconds)
            if self.answer == 0:
                self.got.append(str(event.request.AffectedSOPInstanceUID))
            return self.answer

        self._server: Any = entity.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)]
        )

    @property
    def address(self) -> str:
        """As `--send-to` takes it."""
        return f"dicom://ARCHIVE@127.0.0.1:{self.port}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
