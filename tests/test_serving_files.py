"""The files in saved_models/serving say what the models beside them are."""

import re
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

SERVING = Path(__file__).parents[1] / "saved_models" / "serving"


def test_models_that_are_served_exist():
    config = model_server_config_pb2.ModelServerConfig()
    text_format.Parse((SERVING / "models.config").read_text(), config)
    (model,) = config.model_config_list.config
    assert model.base_path == f"/models/{model.name}"
    versions = model.model_version_policy.specific.versions
    for version in versions:
        assert (SERVING.parent / model.name / str(version) / "saved_model.pb").is_file()
    assert set(model.version_labels.values()) <= set(versions)


def test_the_compose_file_names_files_that_exist():
    text = (SERVING / "docker-compose.yml").read_text()
    files = re.findall(r"=/models/serving/(\S+)", text)
    assert len(files) == 3
    for file in files:
        assert (SERVING / file).is_file()
    assert "TF_ENABLE_ONEDNN_OPTS" in text and "tensorflow/serving:latest" not in text
