"""The tables of docs/paper.md are those that results give, and nothing of the paper is left out."""

import json
import re
from pathlib import Path

import pytest

from tools.pages.marked_tables import END
from tools.paper.maps import POINTING, figures_7_and_8
from tools.paper.page import filled, main
from tools.paper.rows import FOLDERS, Results, cells, compared, paired
from tools.paper.sections import SECTIONS, table_x, table_xv

ROOT = Path(__file__).parents[3]
NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV",
            "XV", "XVI", "XVII")  # fmt: skip


@pytest.fixture(scope="module")
def page():
    return (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["docs/paper.md", "results/paper/figures.md"])
def test_the_pages_hold_the_tables_of_their_results(name, tmp_path):
    page = (ROOT / name).read_text(encoding="utf-8")
    empty = re.sub(rf"(<!-- table \S+ -->\n).*?{END}", rf"\1{END}", page, flags=re.DOTALL)
    assert len(empty) < 0.8 * len(page)
    (tmp_path / "paper.md").write_text(empty)
    assert main([str(tmp_path / "paper.md"), str(ROOT / "results")]) == 0
    assert (tmp_path / "paper.md").read_text() == page
    assert main([str(tmp_path / "nowhere.md"), str(ROOT / "results")]) == 2


def test_every_table_and_figure_of_the_paper_has_its_section(page):
    titles = [line.partition(":")[0] for line in page.splitlines() if line.startswith("## ")]
    words = " ".join(titles).replace(",", "")
    for numeral in NUMERALS:
        assert re.search(rf"Table {numeral}\b", words), numeral
    figures = {int(n) for n in re.findall(r"Figs?\. (\d+)", words)} | {8}
    assert figures == set(range(1, 13)) and "Figs. 7 and 8" in words


def test_a_page_that_lacks_a_table_is_refused(page):
    with pytest.raises(ValueError, match="xiv"):
        filled(page.replace("<!-- table xiv -->", ""), ROOT / "results")
    with pytest.raises(ValueError, match="twice"):
        filled(page.replace(END, "", 1), ROOT / "results")


def test_without_results_every_figure_of_ours_is_open(tmp_path):
    results = Results(tmp_path)
    for name, section in SECTIONS.items():
        lines = section(results)
        assert lines and not any(re.search(r"\d\.\d+ \(\d", line) for line in lines), name
    assert all("| open |" in line for line in table_x(results)[2:7])


def test_figures_stand_beside_the_papers_with_the_difference():
    found = {"value": 0.75, "low": 0.6, "high": 0.9, "n": 40, "patients": 30}
    assert cells(0.889, found) == ["0.889", "0.750 (0.600–0.900)", "40 of 30", "-0.139"]
    assert cells(None, found | {"low": None})[1:] == ["0.750 (no interval)", "40 of 30", "–"]
    assert cells(0.5, None) == ["0.500", "open", "–", "–"]
    assert compared(0.889, found) == "0.750 (0.600–0.900), -0.139"
    assert (compared(None, found), compared(0.5, None)) == ("0.750 (0.600–0.900)", "open")


def test_new_results_fill_their_rows(tmp_path):
    estimate = {"value": 0.9, "low": 0.8, "high": 1.0, "n": 3, "patients": 3}
    for name, lung in (("short", 0.9), ("short_50", 0.7)):
        place = tmp_path / "ablations" / f"{name}_montgomery"
        place.mkdir(parents=True)
        record = {"groups": {"class=normal": {"jaccard": {"lung": estimate | {"value": lung}}}}}
        (place / "metrics.json").write_text(json.dumps(record))
        rows = [f"{n},normal,{lung + n / 100},{lung}" for n in range(6)]
        text = "\n".join(["path,class,lung,lung_union", *rows])
        (place / "jaccard.csv").write_text(text + "\n")
    row = next(line for line in table_xv(Results(tmp_path)) if line.startswith("| 50 % |"))
    assert "| 0.941 | 0.700 (0.800–1.000), -0.241 | 0.031 |" in row
    assert paired(Results(tmp_path), "ablations/short_montgomery", "nothing", "normal") == "–"


def test_gains_of_both_maps_are_paired_by_film(tmp_path):
    for folder, gain in (("version_1/test", -0.3), ("ablations/global_test", -0.1)):
        (tmp_path / FOLDERS[{"v": "local", "a": "global"}[folder[0]]]).mkdir(parents=True)
        lines = ["path,map,curve,area"]
        for film in "abc":
            for curve, sign in (("deletion", 1), ("insertion", -1)):
                lines += [f"{film},map,{curve},{0.5 + sign * gain}", f"{film},random,{curve},0.5"]
        (tmp_path / folder / "curves.csv").write_text("\n".join(lines) + "\n")
    rows = "path,patient_id\na,1\nb,2\nc,\n"
    (tmp_path / "version_1" / "test" / "predictions.csv").write_text(rows)
    row = next(x for x in figures_7_and_8(Results(tmp_path)) if "Eq. 5 less global |" in x)
    assert "| -0.200 (-0.200–-0.200) | 0.200 (0.200–0.200) | 3 of 3 |" in row


def test_hits_of_both_maps_are_paired_by_phantom(tmp_path):
    for folder, hits in zip(POINTING, ((1, 1, 1), (0, 1, 0)), strict=True):
        (tmp_path / folder).mkdir(parents=True)
        lines = ["number,status,hit", *(f"{n},ok,{hit}" for n, hit in enumerate(hits))]
        (tmp_path / folder / "pointing.csv").write_text("\n".join([*lines, "3,no_lung,nan"]) + "\n")
    row = next(x for x in figures_7_and_8(Results(tmp_path)) if "less global Grad-CAM" in x)
    assert row.startswith("| Eq. 5 less global Grad-CAM | 0.667 (0.000–1.000) | – | – | 3 of 3 |")
