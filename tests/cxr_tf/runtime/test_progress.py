import io
import json

import pytest

from cxr_tf.runtime.progress import Reporter


def talk(reporter):
    reporter.note("hello")
    reporter.start(2)
    reporter.film("a[red].png", "ok", "ill", 0.1, "", False)
    reporter.film("b.png", "unreadable", "", 0.0, "cut off", True)
    reporter.stop()
    reporter.warn("careful")


def test_plain_names_failures_and_the_time_left():
    stream = io.StringIO()
    talk(Reporter(stream=stream, interval=0))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "hello"
    assert lines[1].startswith("1/2 films, ") and lines[1].endswith("left")
    assert lines[2] == "error: b.png: unreadable: cut off"
    assert lines[3].startswith("2/2 films")
    assert lines[4] == "warning: careful"


def test_plain_speaks_at_most_once_an_interval():
    stream = io.StringIO()
    reporter = Reporter(stream=stream, interval=1000)
    reporter.start(50)
    for number in range(50):
        reporter.film(f"{number}.png", "ok", "ill", 0, "", False)
    assert len(stream.getvalue().splitlines()) == 1  # the last one


@pytest.mark.parametrize("quiet, levels", [(False, 4), (True, 2)])
def test_json_is_one_object_a_line(quiet, levels):
    stream = io.StringIO()
    talk(Reporter(quiet=quiet, as_json=True, stream=stream))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(events) == levels
    films = [event for event in events if event.get("event") == "film"]
    assert films[-1]["level"] == "error" and films[-1]["status"] == "unreadable"
    if not quiet:
        assert films[0]["label"] == "ill" and films[0]["path"] == "a[red].png"
    assert all(event["time"].endswith("+00:00") for event in events)


def test_quiet_leaves_warnings_and_failures():
    stream = io.StringIO()
    talk(Reporter(quiet=True, stream=stream))
    assert stream.getvalue() == "error: b.png: unreadable: cut off\nwarning: careful\n"


def test_each_fault_has_a_line():
    stream = io.StringIO()
    Reporter(stream=stream).errors(ValueError("a.csv:\nline 2: no path"))
    assert stream.getvalue() == "error: a.csv:\nerror: line 2: no path\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_terminal_gets_a_bar_and_unharmed_names(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with Reporter(stream=stream, work="measuring") as reporter:
        reporter.start(2)
        reporter.film("a[red].png", "unreadable", "", 0.0, "cut off", True)
        reporter.film("b.png", "ok", "ill", 0.0, "", False)
    assert "error: a[red].png: unreadable: cut off" in stream.getvalue()
    assert "2/2" in stream.getvalue()
    assert "measuring" in stream.getvalue() and "scoring" not in stream.getvalue()
    assert stream.getvalue().count("\x1b[?25h") == 1  # the cursor is back
