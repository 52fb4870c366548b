"""Writing beside computing: in order, bounded, and nothing behind a fault."""

import csv
import threading
from functools import partial
from pathlib import Path

import pytest

from cxr_tf.scoring import loop
from cxr_tf.scoring.writing import Writing
from tests.cxr_tf.scoring.report.made_up import FILMS, MadeUpModel, make_report


def test_pieces_are_done_in_order_beside_the_caller():
    done, caller = [], threading.get_ident()

    def note(number):
        done.append((number, threading.get_ident()))

    with Writing() as writing:
        for number in range(20):
            writing.add(partial(note, number))
        writing.finish()
        assert [number for number, _ in done] == list(range(20))
        assert caller not in {thread for _, thread in done}


def test_the_caller_waits_where_too_much_waits():
    free, added = threading.Event(), []
    with Writing(behind=2) as writing:

        def caller():
            for number in range(4):
                writing.add(partial(free.wait, 10))
                added.append(number)

        thread = threading.Thread(target=caller)
        thread.start()
        thread.join(0.5)
        assert added == [0, 1]
        free.set()
        thread.join(10)
        assert added == [0, 1, 2, 3]


def test_nothing_is_done_behind_a_fault_and_the_caller_is_told():
    done, free = [], threading.Event()

    def broken():
        free.wait(10)
        raise OSError("no room")

    with Writing() as writing:
        writing.add(broken)
        writing.add(lambda: done.append("behind"))
        free.set()
        with pytest.raises(OSError, match="no room"):
            writing.finish()
    assert not done


def test_what_was_added_is_done_where_the_caller_is_interrupted():
    done, free = [], threading.Event()
    with pytest.raises(KeyboardInterrupt), Writing() as writing:
        writing.add(partial(free.wait, 10))
        writing.add(lambda: done.append("behind"))
        free.set()
        raise KeyboardInterrupt
    assert done == ["behind"]


class _Waited(MadeUpModel):
    """Answers for its second film once it is asked while the first one's files are written."""

    def __init__(self, folder):
        super().__init__(folder)
        self.asked, self.beside = threading.Event(), False

    def predict(self, *args, **options):
        found = super().predict(*args, **options)
        if self.calls == 2:
            self.asked.set()
        return found


def test_the_model_answers_for_the_next_film_while_one_is_written(tmp_path, monkeypatch):
    films = tmp_path / "films"
    model, add = _Waited(films), loop._Scorer.add

    def slow(self, *args):
        model.beside = model.asked.wait(10)
        return add(self, *args)

    monkeypatch.setattr(loop._Scorer, "add", slow)
    assert make_report(films, tmp_path / "out", model, overlays=True) == 1
    assert model.beside
    assert (tmp_path / "out" / "scores.csv").read_text().count("\n") == len(FILMS) + 2


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_has_its_files_whenever_the_run_is_interrupted(tmp_path):
    films = tmp_path / "films"
    for number in range(2, len(FILMS) + 1):
        out = tmp_path / f"out{number}"
        model = MadeUpModel(films, interrupt_at=number)
        assert make_report(films, out, model, overlays=True) == 130
        scored = {row["path"] for row in rows_of(out / "scores.csv.partial")}
        drawn = rows_of(out / "overlays" / "index.csv.partial")
        assert len(drawn) == number - 1, "one for each answer of the model"
        for row in drawn:
            assert row["path"] in scored
            assert (out / "overlays" / row["overlay"]).is_file()
            assert (out / "report" / "cases" / f"{Path(row['overlay']).stem}.js").is_file()
