from pathlib import Path

from pipelines.manifest.overlap import SAME_CONTENT, SAME_PATIENT, seen_films
from pipelines.manifest.table import Manifest, ManifestRow


def row(name, patient="", segmentation="", sha256=""):
    return ManifestRow(
        Path(name), "normal", patient_id=patient, sha256=sha256, split_segmentation=segmentation
    )


TRAIN = row("t", "p1", "train", "aa")
VALIDATION = row("v", "p2", "validation", "bb")
TEST = row("x", "p3", "test", "cc")


def test_films_are_found_by_patient_and_by_content():
    films = [row("a", "p1"), row("b", "p2"), row("c", "p3"), row("d", "p9", sha256="BB"),
             row("e", sha256="cc"), row("f"), row("t")]  # fmt: skip
    manifest = Manifest(Path("m"), (TRAIN, VALIDATION, TEST, *films))
    assert seen_films(manifest, films, "segmentation") == {
        0: (TRAIN, SAME_PATIENT),
        1: (VALIDATION, SAME_PATIENT),
        3: (VALIDATION, SAME_CONTENT),
    }
    assert seen_films(manifest, films, "classification") == {}


def test_a_film_without_a_patient_is_known_by_its_path():
    film = row("t", segmentation="train")
    assert list(seen_films(Manifest(Path("m"), (film,)), [row("t")], "segmentation")) == [0]
