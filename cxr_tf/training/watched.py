"""Films and masks that go away or change between the check of the data and the end of a run."""

from collections.abc import Iterable
from pathlib import Path

from cxr_tf.runtime.errors import DataChangedError, UsageError
from pipelines.faults import FileFault
from pipelines.manifest.table import ManifestRow


class Watched:
    """The files of a data set as they were when they were checked.

    Args:
        rows: the rows that are used.
        task: `segmentation` or `classification`, whose splits are named.
    """

    def __init__(self, rows: Iterable[ManifestRow], task: str) -> None:
        self._split: dict[Path, str] = {}
        self._marks: dict[Path, tuple[int, int] | None] = {}
        masks = task == "segmentation"
        for row in rows:
            for path in (row.path, *(row.masks.values() if masks else ())):
                self._split[path] = row.split(task)
                self._marks[path] = _mark(path)

    def error(self, fault: FileFault) -> Exception:
        """Say in one line which file cannot be used, as what, and what to do.

        Args:
            fault: what reading it raised.

        Returns:
            `DataChangedError` where the file is not what it was when it was checked, so that the
            same command may go on; otherwise `UsageError`.
        """
        path, split = fault.path, self._split.get(fault.path, "")
        what = f"{path}: {fault.role}" + (f" of the split {split!r}" if split else "")
        if self._marks.get(path) == _mark(path):
            return UsageError(
                f"{what}: {fault.reason}; repair the file or take it out of the manifest"
            )
        changed = "changed" if path.is_file() else "vanished"
        return DataChangedError(
            f"{what} {changed} during the run: {fault.reason}; "
            "restore the file, and see what else writes to the data"
        )


def _mark(path: Path) -> tuple[int, int] | None:
    """Tell versions of a file apart; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
