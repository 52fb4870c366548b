"""What a tool measured of a model: kept as JSON, and put into a table of a page."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cxr_tf.runtime.provenance import NOTICE, machine, revision, versions
from cxr_tf.runtime.whole_files import write_json, write_text
from cxr_tf.saved.model_folders import read_card


def keep_record(path: Path, command: str, model: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write what was found, with what it was found on.

    Args:
        path: the JSON file; its folder is made.
        command: that measured.
        model: version folder.
        facts: what is the command's own.

    Returns:
        The record.
    """
    record = {
        "command": command,
        "notice": NOTICE,
        "model": read_card(model).model_version,
        **facts,
        "versions": versions(),
        "revision": revision(),
        "machine": machine(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, record)
    return record


def record_and_page(
    path: Path,
    measure: Callable[[], dict[str, Any]] | None,
    page: Path | None,
    filled: Callable[[str, Mapping[str, Any]], str],
) -> dict[str, Any]:
    """Measure, or read what was measured, and fill the page.

    Args:
        path: the JSON file.
        measure: writes it; None where the one that is there counts.
        page: Markdown file, or None.
        filled: the page's text with the record in it.

    Returns:
        The record.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: the file is no JSON, or the page lacks the table.
    """
    record: dict[str, Any] = measure() if measure else json.loads(path.read_text(encoding="utf-8"))
    if page is not None:
        write_text(page, filled(page.read_text(encoding="utf-8"), record))
    return record
