"""Fixtures that all tests share."""

import os
import sys
import threading
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# A GPU is found by the tests only where one is asked for.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

# These tests trace graphs and share the machine: time says nothing about one example.
hypothesis.settings.register_profile("steady", deadline=None)
hypothesis.settings.load_profile("steady")

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def research_data() -> Path:
    """The development films, where they are at hand; the test is skipped elsewhere."""
    for folder in (os.environ.get("CXR_DATA"), REPOSITORY.parent / "shared" / "data"):
        if folder and (Path(folder) / "manifest.csv").is_file():
            return Path(folder)
    pytest.skip("no research data: set CXR_DATA to the folder that holds them")


@pytest.fixture(autouse=True, scope="module")
def _compiled_anew() -> None:
    """Drop what TensorFlow has compiled before each file of tests, so that memory does not grow."""
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()


@pytest.fixture(autouse=True)
def _float32_and_fresh_names() -> None:
    """Start every test with Keras' global state as a new process has it.

    `clear_session` would also drop what is compiled, and models that many tests share would be
    compiled again in each.
    """
    if "keras" in sys.modules:
        from keras.src.backend.common import global_state

        for name in ("GLOBAL_STATE_TRACKER", "GLOBAL_SETTINGS_TRACKER"):
            assert isinstance(getattr(global_state, name), threading.local), f"Keras' {name} moved"
            setattr(global_state, name, threading.local())
        sys.modules["keras"].mixed_precision.set_dtype_policy("float32")
