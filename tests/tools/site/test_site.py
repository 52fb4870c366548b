"""The documentation site: built as it is published, and its generated parts against the code."""

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cxr_tf.films.rows import score_columns
from cxr_tf.saved.run_options import SegmentationTrainingOptions
from cxr_tf.saved.weights_out import ExtractOptions
from cxr_tf.scoring.options import ScoreOptions
from pipelines.manifest.table import COLUMNS
from pipelines.status import STATUSES
from tools.site.commands import commands, page, parse_help, print_help, tasks
from tools.site.modules import modules
from tools.site.repository import linked_files, with_site_links

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site; any warning (a dead link or anchor, a page out of the navigation) fails."""
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)],
        cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.mark.slow
def test_the_site_holds_every_command_and_module(site):
    for name in commands(ROOT):
        assert (site / "reference" / "commands" / f"{name}.html").is_file(), name
    for name in modules(ROOT):
        assert (site / "reference" / "python" / f"{name}.html").is_file(), name
    triage = (site / "reference" / "python" / "cxr_tf.method.saliency.html").read_text()
    assert "Average probability times map over the patches" in triage, "docstrings are rendered"


@pytest.mark.slow
def test_the_site_needs_no_network(site):
    """Scripts, styles and pictures are the site's own; links for a reader to follow may go out."""
    loaded = re.compile(r"<(?:script|img|iframe)\b[^>]*\bsrc=[\"']?(?:https?:)?//|<link\b[^>]*")
    for path in site.rglob("*.html"):
        for tag in loaded.findall(path.read_text(encoding="utf-8")):
            inner = not re.search(r"href=[\"']?(?:https?:)?//", tag)
            assert inner and tag.startswith("<link"), (path, tag)
    assert (site / "search" / "search_index.js").is_file(), "search works from file://"


@pytest.mark.parametrize(
    ("module", "arguments", "options"),
    [
        ("cxr_tf.score", (), ScoreOptions),
        ("cxr_tf.extract", (), ExtractOptions),
        ("cxr_tf.train", ("segmentation",), SegmentationTrainingOptions),
    ],
)
def test_every_option_is_read_from_the_parser(module, arguments, options):
    read = parse_help(print_help(module, *arguments))
    flags = {name.split()[0] for option in read.options for name in option.name.split(", ")}
    for field in dataclasses.fields(options):
        flag = f"--{field.name.replace('_', '-')}"
        assert flag in flags or field.name in ("inputs", "model"), flag
    assert all(option.text for option in read.options)


def test_both_kinds_of_parser_are_read():
    score = {o.name: o for o in parse_help(print_help("cxr_tf.score")).options}
    assert score["--patches INT"].default == "100" and score["--model PATH"].default == "required"
    assert score["PATH"].text.endswith("gs:// (extra cloud)"), "lines are joined"
    adapters = parse_help(print_help("pipelines.adapters"))
    assert [o.name for o in adapters.options][:2] == ["data", "out"]
    assert adapters.usage.startswith("python -m pipelines.adapters [-h]")
    assert tasks(adapters.usage) == []
    assert tasks(parse_help(print_help("cxr_tf.evaluate")).usage) == [
        "segmentation",
        "classification",
    ]
    train = page("cxr_tf.train")
    assert "| `--epochs INT` | `60` | `100` | `8` |" in train, "a column a preset"
    assert "`normal,bacterial,tuberculosis,viral=viral+covid19`" in train, "lists stay whole"
    assert train.count("For example:\n\n    python -m cxr_tf.train ") == 2


def first_column(path, heading):
    """Names in the first column of the table under a heading."""
    text = path.read_text(encoding="utf-8").split(f"| {heading} |", 1)[1].split("\n\n")[0]
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.M)


def test_tables_of_columns_are_those_of_the_code():
    reference = ROOT / "docs" / "reference"
    assert tuple(first_column(reference / "manifest.md", "column")) == COLUMNS
    assert tuple(first_column(reference / "scores.md", "column")) == score_columns(["CLASS"])
    assert set(first_column(reference / "scores.md", "status")) == {*STATUSES, "failed"}


def test_links_to_the_repository_stay_within_the_site(tmp_path):
    docs = tmp_path / "docs"
    (docs / "how").mkdir(parents=True)
    page_file, readme, figure = docs / "how" / "a.md", tmp_path / "README.md", tmp_path / "x.csv"
    page_file.write_text("[r](../../README.md#data) [o](https://a.b/c) [n](none.md)")
    readme.write_text("[x](x.csv) [a](docs/how/a.md)")
    figure.write_text("1")
    found = linked_files([page_file], tmp_path, docs)
    assert found == {"repository/README.md": readme, "repository/x.csv": figure}
    known = {readme: "repository/README.md", figure: "repository/x.csv", page_file: "how/a.md"}
    moved = with_site_links(page_file.read_text(), page_file, "how/a.md", known.get)
    assert moved == "[r](../repository/README.md#data) [o](https://a.b/c) [n](none.md)"
    moved = with_site_links(readme.read_text(), readme, "repository/README.md", known.get)
    assert moved == "[x](x.csv) [a](../how/a.md)"
