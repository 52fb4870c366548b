"""The collector pauses, and goes on as it was."""

import gc

import pytest

from cxr_tf.runtime.collector import collector_paused


@pytest.fixture(autouse=True)
def nothing_stays_frozen():
    yield
    gc.unfreeze()
    gc.enable()


def test_it_goes_on_afterwards_even_after_a_fault():
    with pytest.raises(KeyError), collector_paused():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled() and gc.get_freeze_count() > 0


def test_what_was_made_later_is_still_collected():
    with collector_paused():
        pass
    ring: list[object] = []
    ring.append(ring)
    del ring
    assert gc.collect() >= 1


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    with collector_paused():
        assert not gc.isenabled()
    assert not gc.isenabled()
