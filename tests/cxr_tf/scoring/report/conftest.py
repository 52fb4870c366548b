"""One made-up report, and a browser to look at it."""

import shutil

import pytest

from tests.cxr_tf.scoring.report.made_up import make_report

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def made_report(tmp_path_factory):
    """Folder of a run over the made-up films, with its report."""
    folder = tmp_path_factory.mktemp("report")
    assert make_report(folder / "films", folder / "out") == 1  # one film is cut short
    return folder / "out"


@pytest.fixture(scope="module")
def browser():
    """Chromium; the tests are skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with api.sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        except api.Error as error:
            if found:
                raise
            reason = str(error).splitlines()[0]
            pytest.skip(f"no Chromium: apt-get install chromium, or playwright install: {reason}")
        yield started
        started.close()
