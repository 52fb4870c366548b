"""The failed films of a run, with size and time of their files: changed ones are tried again."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from cxr_tf.films.archives import split
from cxr_tf.films.inputs import Input
from cxr_tf.films.rows import Record, is_failure
from cxr_tf.runtime.whole_files import write_text
from pipelines.status import OK

#: Path and stamp of each film that failed, one JSON array a line, while a run is not complete.
FILE = "scoring.failed"


def stamp_of(item: Input) -> str:
    """Say what a film's file is like: its size, and when it was last changed.

    Args:
        item: the film.

    Returns:
        Both in one text, those of the archive where the film lies in one; '' where there is no such
        file, and for an address, of which nothing is known without asking.
    """
    if isinstance(item.path, str):
        return ""
    try:
        packed = split(item.path)
        found = (packed[0] if packed else item.path).stat()
    except (OSError, ValueError):
        return ""
    return f"{found.st_size} {found.st_mtime_ns}"


@dataclass(frozen=True)
class Failures:
    """Failed films of a run.

    Attributes:
        out: folder of the run; None where nothing is written down.
        stamps: by the path of each, that of the time before it was read.
    """

    out: Path | None = None
    stamps: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_unfinished(cls, out: Path) -> "Failures":
        """Read what a killed run left; a line that was being written is left out.

        Args:
            out: folder of the run.
        """
        try:
            whole = (out / FILE).read_text(encoding="utf-8").rpartition("\n")[0]
        except FileNotFoundError:
            whole = ""
        return cls(out, dict(json.loads(line) for line in whole.splitlines()))

    def has(self, record: Record) -> bool:
        """Say whether a film is a failed input: no answer, or a picture that was not written.

        Args:
            record: its row.
        """
        broken = record["status"] == OK and bool(record["error"])
        return record["path"] in self.stamps or is_failure(str(record["status"])) or broken

    def begin(self) -> None:
        """Write down those that are known."""
        if self.out is not None:
            lines = (json.dumps(each) + "\n" for each in self.stamps.items())
            write_text(self.out / FILE, "".join(lines))

    def add(self, path: str, stamp: str) -> None:
        """Write down another, before its row is written.

        Args:
            path: as its row has it.
            stamp: of its file, from before it was read.
        """
        self.stamps[path] = stamp
        if self.out is not None:
            with (self.out / FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps([path, stamp]) + "\n")

    def drop(self) -> None:
        """Remove the file."""
        if self.out is not None:
            (self.out / FILE).unlink(missing_ok=True)
