"""The page of a comparison: made, written and printed, or told why not."""

from collections.abc import Callable
from pathlib import Path

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.whole_files import write_text
from pipelines.manifest.table import ManifestError


def show_page(make: Callable[[Reporter], str], out: Path | None) -> int:
    """Make a page, write it where a file is named, and print it.

    Args:
        make: gives the page; it is told where to note how far it is.
        out: the file; None for none.

    Returns:
        Exit status: 0 done, 2 wrong usage.
    """
    with Reporter() as reporter:
        try:
            text = make(reporter)
        except (ManifestError, UsageError) as error:
            reporter.errors(error)
            return 2
    if out is not None:
        write_text(out, text)
    print(text)
    return 0
