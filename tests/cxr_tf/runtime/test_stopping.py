import os
import signal

import pytest

from cxr_tf.evaluation.command import exit_status
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.stopping import Stopped, Stops, stop_status

BOTH = [(signal.SIGINT, KeyboardInterrupt, 130), (signal.SIGTERM, Stopped, 143)]


@pytest.fixture(autouse=True)
def _handlers():
    """A test that fails must not leave its signals to the others."""
    before = [signal.getsignal(number) for number, *_ in BOTH]
    yield
    assert [signal.getsignal(number) for number, *_ in BOTH] == before


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "kind", "status"), BOTH)
def test_a_signal_raises_and_names_the_exit_status(number, kind, status):
    with pytest.raises(KeyboardInterrupt) as stopped, Stops() as stops:
        send(number)
    assert stopped.type is kind and stop_status(stopped.value) == stops.status == status


@pytest.mark.parametrize(("number", "kind", "status"), BOTH)
def test_a_signal_waits_until_it_is_let_through(number, kind, status):
    reached = []
    with Stops() as stops:
        with stops.deferred():
            send(number)
            reached.append("the work in hand")
            with pytest.raises(kind), stops.at_once():
                reached.append("never")
        assert stops.status == status
    assert reached == ["the work in hand"]


def test_a_second_sigterm_says_nothing_new_and_a_second_ctrl_c_is_urgent():
    with pytest.raises(Stopped), Stops() as stops, stops.deferred():
        send(signal.SIGTERM)
        send(signal.SIGTERM)
        assert stops.status == 143
        send(signal.SIGINT)


def test_a_signal_that_the_process_ignores_stays_ignored():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with Stops() as stops:
            send(signal.SIGTERM)
        assert stops.came == 0
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("act", "status"),
    [
        (lambda: send(signal.SIGTERM), 143),
        (lambda: send(signal.SIGINT), 130),
        (lambda: (_ for _ in ()).throw(OSError(28, "No space left on device")), 1),
        (lambda: (_ for _ in ()).throw(UsageError("no")), 2),
    ],
)
def test_commands_that_measure_say_what_ended_them(act, status, capsys):
    class Options:
        quiet, log_json = True, False

    def run(_: Options, __: Reporter) -> int:
        act()
        return 0

    assert exit_status(Options(), run, "measuring") == status
    assert capsys.readouterr().err.startswith("error: ")
