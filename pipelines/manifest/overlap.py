"""Films that a network of one task has seen, among the films of another."""

from collections.abc import Sequence

from pipelines.manifest.rows import Manifest, ManifestRow

SAME_PATIENT = "the same patient"
SAME_CONTENT = "identical content"


def seen_films(
    manifest: Manifest, rows: Sequence[ManifestRow], task: str
) -> dict[int, tuple[ManifestRow, str]]:
    """Find the films whose patient or content a task trains or validates on.

    Args:
        manifest: all of the data.
        rows: the films asked about.
        task: `segmentation` or `classification`: the task that may have seen them.

    Returns:
        By position among the rows: the film of the task's training or validation split that
        gives it away, and why, `SAME_PATIENT` or `SAME_CONTENT` (where `sha256` is filled).
    """
    seen = manifest.select(task, "train", "validation").rows
    patients = {row.patient: row for row in reversed(seen)}
    contents = {row.sha256.lower(): row for row in reversed(seen) if row.sha256}
    found = {}
    for place, row in enumerate(rows):
        if row.patient in patients:
            found[place] = patients[row.patient], SAME_PATIENT
        elif row.sha256.lower() in contents:
            found[place] = contents[row.sha256.lower()], SAME_CONTENT
    return found
