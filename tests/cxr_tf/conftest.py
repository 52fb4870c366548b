"""Models that several test files share, made once a session."""

import pytest


@pytest.fixture(scope="session")
def fake_segmentation(tmp_path_factory):
    """A run of segmentation that was never trained."""
    from tests.cxr_tf.fake_runs import segmentation_run

    return segmentation_run(tmp_path_factory.mktemp("fake") / "segmentation")


@pytest.fixture(scope="session")
def fake_classification(tmp_path_factory, fake_segmentation):
    """A run of local classification that was never trained, with patches of 64 pixels."""
    from tests.cxr_tf.fake_runs import classification_run

    run = tmp_path_factory.mktemp("fake") / "classification"
    return classification_run(run, fake_segmentation, patch_size=64)


@pytest.fixture(scope="session")
def from_python(fake_classification):
    """The model straight from its runs."""
    from cxr_tf.saved.load import from_runs

    return from_runs(None, fake_classification)


@pytest.fixture(scope="session")
def exported(tmp_path_factory, fake_classification):
    """Folder of the exported model, above its version."""
    from cxr_tf.export import ExportOptions, export

    out = tmp_path_factory.mktemp("models") / "cxr_fake"
    export(ExportOptions(classification=str(fake_classification), out=str(out), warmup=False))
    return out


@pytest.fixture(scope="session")
def served(exported):
    """Signatures of the exported model, as TensorFlow Serving sees them."""
    import tensorflow as tf

    # The module is kept: its signatures do not keep it alive.
    module = tf.saved_model.load(str(exported / "1"))
    return {"module": module, **module.signatures}


@pytest.fixture(scope="session")
def dense_classification(tmp_path_factory, fake_segmentation):
    """A run for both votes that was never trained, with patches of 64 pixels."""
    from tests.cxr_tf.fake_runs import classification_run

    run = tmp_path_factory.mktemp("fake") / "dense"
    return classification_run(run, fake_segmentation, approach="dense", patch_size=64)


@pytest.fixture(scope="session")
def dense_model(dense_classification):
    """The model for both votes straight from its runs."""
    from cxr_tf.saved.load import from_runs

    return from_runs(None, dense_classification)


@pytest.fixture(scope="session")
def dense_exported(tmp_path_factory, dense_classification):
    """Folder of the exported model for both votes, above its version."""
    from cxr_tf.export import ExportOptions, export

    out = tmp_path_factory.mktemp("models") / "cxr_dense"
    export(ExportOptions(classification=str(dense_classification), out=str(out), warmup=False))
    return out
