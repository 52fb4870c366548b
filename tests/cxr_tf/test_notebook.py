"""The example notebook runs from its first cell to its last."""

from pathlib import Path

import pytest

from cxr_tf.runtime.provenance import NOTICE

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "one_film.ipynb"


def test_no_output_is_committed():
    nbformat = pytest.importorskip("nbformat")
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.slow
def test_the_notebook_runs_and_shows_its_results(exported, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("CXR_TF_MODEL", str(exported))
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOK.parents[2]))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    place = {"metadata": {"path": str(NOTEBOOK.parent)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=place).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output.data for output in outputs if "data" in output]
    pages = [data["text/html"] for data in shown if "text/html" in data]
    assert sum(NOTICE in page for page in pages) == 2  # the score, and the segmentation
    assert sum("data:image/png" in page for page in pages) == 1
    assert sum("image/png" in data for data in shown) == 1  # the figure
    assert "unreadable" in pages[-1] and "phantom-0003.dcm" in pages[-1]
