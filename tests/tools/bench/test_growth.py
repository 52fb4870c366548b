"""The tool that watches long runs."""

import pytest

from cxr_tf.runtime.errors import UsageError
from tests.cxr_tf.fake_runs import classification_run, segmentation_run
from tools.bench import growth
from tools.bench.growth import Look, main, parts_of


def run_of(seconds, memory, films=100):
    """Looks after each film, whose times and memory are functions of its number."""
    seen, now = [], 10.0
    for number in range(films + 1):
        seen.append(Look(now, number, memory(number)))
        now += seconds(number)
    return seen


def test_tenths_of_a_steady_run_are_alike():
    seen = run_of(lambda _: 0.5, lambda number: 900.0 if number else 100.0)
    parts = parts_of(seen, 100)
    assert len(parts) == 10 and parts[-1].films == 100
    assert {round(part.seconds, 6) for part in parts} == {0.5}
    assert growth.growth(parts) == pytest.approx((1.0, 1.0))


def test_a_run_that_slows_down_or_grows_is_seen():
    slower, _ = growth.growth(parts_of(run_of(lambda n: 0.1 + 0.01 * n, lambda _: 1.0), 100))
    assert slower > 1.5
    _, larger = growth.growth(parts_of(run_of(lambda _: 0.1, lambda n: 100.0 + n), 100))
    assert larger == pytest.approx(200 / 150, abs=0.02)


def test_too_few_looks_are_refused():
    for seen in ([], run_of(lambda _: 1.0, lambda _: 1.0, 40)):
        with pytest.raises(UsageError, match="rows were seen"):
            parts_of(seen, 100)


def test_many_rows_a_look_are_refused_where_parts_cannot_be_told():
    seen = run_of(lambda _: 0.01, lambda _: 1.0)
    assert len(parts_of(seen[::5] + seen[-1:], 100)) == 10
    with pytest.raises(UsageError, match="give more films"):
        parts_of(seen[::30] + seen[-1:], 100)


def test_a_run_that_is_killed_is_no_wrong_usage(monkeypatch, capfd):
    def killed(process, _):
        process.kill()
        process.wait()
        yield Look(0.0, 3, 700.0)

    monkeypatch.setattr(growth, "looks", killed)
    assert main(["--films", "20", "--size", "64"]) == 1
    assert "score ended with -9 after 3 films, at 700 MiB" in capfd.readouterr().err


@pytest.mark.slow
def test_phantoms_are_scored_and_watched(tmp_path, monkeypatch):
    from cxr_tf.export import ExportOptions, export

    segmentation = segmentation_run(tmp_path / "segmentation")
    run = classification_run(tmp_path / "classification", segmentation)
    model = export(
        ExportOptions(classification=str(run), out=str(tmp_path / "model"), warmup=False)
    )
    monkeypatch.setattr(growth, "INTERVAL", 0.02)
    monkeypatch.setattr(growth, "DRAWN", 4)
    page = tmp_path / "growth.md"
    given = ["--model", str(model), "--films", "40", "--patches", "30", "--out", str(page)]
    assert main(given) in (0, 1)  # how long a film takes is not this test's
    text = page.read_text()
    assert "--films 40 --size 512 --patches 30` scores phantoms with model 1" in text
    assert text.count("\n| ") == 12 and "\n| 21 |" in text


def test_wrong_usage_is_told(capfd, tmp_path):
    assert main(["--films", "3"]) == 2
    assert "--films 3: give at least 20" in capfd.readouterr().err
    assert main(["--films", "20", "--size", "64", "--model", str(tmp_path / "gone")]) == 2
    assert "score refused the command" in capfd.readouterr().err
