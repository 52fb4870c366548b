"""What identifies a patient in a DICOM header must reach no output that was not asked for."""

import csv
import json
import stat

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import JPEG2000Lossless

from cxr_tf import score
from cxr_tf.films.identifiers import COLUMNS, identifier_reader, read_salt, salted_hash
from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.scoring.options import ScoreOptions
from pipelines import verify
from pipelines.dicom.reading import IDENTIFIERS, read_identifiers
from tests.cards import made_up_card
from tests.cxr_tf.fake_answers import answered
from tests.samples import dicom_bytes, dicom_dataset, encode, ramp

# pydicom warns where the tests write what DICOM does not allow.
pytestmark = pytest.mark.filterwarnings("ignore:(Invalid|The) value:UserWarning")

#: Twelve characters, to stand in for a value of the same length in a finished file.
SECRET = "ZQXWVUTSRQPO"
OTHER = "KJHGFDSAMNBV"
HOLDER = "123456789012"


class Model:
    """Answers everything alike, with all that overlays and patch tables show."""

    classes = ("normal", "ill")
    model_version = "fake-1"
    card = made_up_card(classes)

    def predict(self, pixels, padding=-1, vote=VoteOptions(), **options):  # noqa: B008
        patches = vote.patches
        mask = np.zeros((256, 256), np.uint8)
        mask[50:200, 20:110] = 3
        return answered(
            "ok", "normal", 0, np.int32([patches, 0]), np.float32([0.75, 0.25]), 1.0, 0.2, patches,
            "fake-1", mask=mask, saliency=np.full((2, 256, 256), 0.5, np.float32),
            centres=np.full((patches, 2), 400, np.int32),
            patch_probabilities=np.full((patches, 2), 0.5, np.float32),
        )  # fmt: skip


@pytest.fixture
def saved_model(tmp_path):
    folder = tmp_path / "models" / "cxr" / "3"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    return folder.parent


def planted(**attributes):
    """A film whose header says HOLDER wherever it can."""
    dataset = dicom_dataset(ramp(40, 56, 4095, np.uint16), stored_bits=12, Modality="CR")
    text = {
        "PatientName": f"{HOLDER}^A", "PatientID": HOLDER, "OtherPatientIDs": HOLDER,
        "PatientAddress": HOLDER, "PatientComments": HOLDER, "AccessionNumber": HOLDER,
        "InstitutionName": HOLDER, "ReferringPhysicianName": HOLDER, "ImageComments": HOLDER,
        "StudyDescription": HOLDER, "SeriesDescription": HOLDER, "StudyID": HOLDER,
        "WindowCenterWidthExplanation": HOLDER, "WindowCenter": "2000", "WindowWidth": "900",
        "StudyInstanceUID": f"1.2.{HOLDER}", "SeriesInstanceUID": f"1.3.{HOLDER}",
        "SOPInstanceUID": f"1.4.{HOLDER}", "ImageType": ["ORIGINAL", HOLDER],
    }  # fmt: skip
    for name, value in (text | attributes).items():
        setattr(dataset, name, value)
    dataset.file_meta.MediaStorageSOPInstanceUID = f"1.4.{HOLDER}"
    private = dataset.private_block(0x0011, HOLDER, create=True)
    private.add_new(0x01, "LO", HOLDER)
    private.add_new(0x02, "UN", HOLDER.encode())
    item = Dataset()
    item.PatientName = HOLDER
    dataset.OtherPatientIDsSequence = Sequence([item])
    dataset.add_new(0x60000022, "LO", HOLDER)
    return dataset


def films():
    """Films with HOLDER everywhere, good ones and ones that break the reader at every step."""
    plain = dicom_bytes(planted())
    compressed = planted()
    compressed.compress(JPEG2000Lossless)
    compressed = dicom_bytes(compressed)
    damaged = bytearray(compressed)
    damaged[-200:-100] = b"damaged???" * 10
    contents = {
        "good": plain,
        "preamble": (HOLDER.encode() * 10 + bytes(8)) + plain[128:],
        "character_set": dicom_bytes(planted(SpecificCharacterSet="ISO_IR 192")).replace(
            b"ISO_IR 192", HOLDER.encode()[:10]
        ),
        "compressed": compressed,
        "damaged": bytes(damaged),
        "short": compressed[:-300],
        "cut_in_header": plain[: plain.index(b"\x10\0\x20\0LO") + 24],
        "cut_in_pixels": plain[:-400],
        "lateral": dicom_bytes(planted(ViewPosition="LL")),
        "frames": dicom_bytes(planted(NumberOfFrames=7)),
        "no_image": plain[: plain.index(b"\x28\0\x02\0US")],
    }
    for name in ("Modality", "ViewPosition", "BodyPartExamined", "PhotometricInterpretation",
                 "VOILUTFunction", "RescaleSlope", "WindowWidth", "PixelPaddingValue",
                 "NumberOfFrames"):  # fmt: skip
        dataset = planted()
        if name in dataset:
            delattr(dataset, name)
        tag = {"PixelPaddingValue": 0x00280120, "NumberOfFrames": 0x00280008,
               "RescaleSlope": 0x00281053, "WindowWidth": 0x00281051}.get(name)  # fmt: skip
        if tag is None:
            setattr(dataset, name, HOLDER)
        else:
            dataset.add_new(tag, "LO", HOLDER)
        contents[name] = dicom_bytes(dataset)
    syntax = plain.replace(b"1.2.840.10008.1.2.1\0", b"1.2.3." + HOLDER.encode() + bytes(2))
    contents["transfer_syntax"] = syntax
    return contents


def write_films(folder, secret):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in films().items():
        assert HOLDER.encode() in content
        (folder / f"{name}.dcm").write_bytes(content.replace(HOLDER.encode(), secret.encode()))
    (folder / "plain.png").write_bytes(encode(ramp(), "PNG"))


def run(folder, saved_model, out, **changes):
    options = ScoreOptions(
        inputs=(folder,), model=saved_model, out=out, overlays=True, patch_table=True, patches=3,
        log_json=True, **changes,
    )  # fmt: skip
    with Reporter(as_json=True) as reporter:
        return score.run(options, reporter, load=lambda _: Model())


def outputs(out):
    return {path.relative_to(out).as_posix(): path.read_bytes()
            for path in out.rglob("*") if path.is_file()}  # fmt: skip


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("voi", [False, True])
def test_no_output_holds_or_depends_on_an_identifier(saved_model, tmp_path, capfd, voi):
    folder, found, texts = tmp_path / "films", [], []
    for secret in (SECRET, OTHER):
        write_films(folder, secret)
        out = tmp_path / secret.lower()[:1]
        assert run(folder, saved_model, out, voi=voi) == 1  # some cannot be read
        printed = capfd.readouterr()
        written = outputs(out)
        everything = [*written.values(), printed.out.encode(), printed.err.encode()]
        for part in everything:
            assert secret.encode() not in part and secret.lower().encode() not in part
        assert "identifiers.csv" not in written
        found.append({name: text for name, text in written.items() if name != "run.json"})
        events = [json.loads(line) for line in printed.err.splitlines()]
        texts.append([e["message"] for e in events if e.get("event") == "film"])
    assert found[0] == found[1]  # not even a hash, a length or a pixel of it
    assert texts[0] == texts[1] and len(texts[0]) == len(films()) + 1
    statuses = {row["status"] for row in rows_of(tmp_path / "z" / "scores.csv")}
    assert {"ok", "unreadable", "not_chest_film", "unsupported"} <= statuses


def test_verify_tells_nothing_either(tmp_path, capfd):
    write_films(tmp_path, SECRET)
    lines = [f"{name}.dcm,normal,,train" for name in films()]
    head = "path,class,split_segmentation,split_classification"
    (tmp_path / "manifest.csv").write_text("\n".join([head, *lines]) + "\n")
    for arguments in ([], ["--json"]):
        assert verify.main([str(tmp_path), *arguments]) == 1
        printed = capfd.readouterr()
        assert "unreadable_film" in printed.out
        assert SECRET not in printed.out and SECRET not in printed.err


def test_identifiers_stand_in_plain_text_only_if_kept(saved_model, tmp_path, capfd):
    folder, out = tmp_path / "films", tmp_path / "out"
    write_films(folder, SECRET)
    run(folder, saved_model, out, keep_identifiers=True)
    printed = capfd.readouterr()
    rows = {row["path"].rpartition("/")[2]: row for row in rows_of(out / "identifiers.csv")}
    assert tuple(rows["good.dcm"]) == COLUMNS and "plain.png" not in rows
    assert rows["good.dcm"]["PatientID"] == SECRET
    assert rows["lateral.dcm"]["SOPInstanceUID"] == f"1.4.{SECRET}"
    others = {name: text for name, text in outputs(out).items() if name != "identifiers.csv"}
    for part in (*others.values(), printed.out.encode(), printed.err.encode()):
        assert SECRET.encode() not in part
    record = json.loads((out / "run.json").read_text())
    assert record["outputs"]["identifiers.csv"]["rows"] == len(rows)
    assert record["arguments"]["keep_identifiers"] is True


def test_salted_hashes_tell_patients_apart_and_need_the_salt(saved_model, tmp_path, capfd):
    folder, salt = tmp_path / "films", tmp_path / "salt.txt"
    folder.mkdir()
    for name, patient in (("a", "P1"), ("b", "P1"), ("c", "P2"), ("d", "")):
        content = dicom_bytes(planted(PatientID=patient))
        (folder / f"{name}.dcm").write_bytes(content)
    tables = []
    for out in ("first", "second"):
        assert run(folder, saved_model, tmp_path / out, hash_identifiers=salt) == 0
        tables.append((tmp_path / out / "identifiers.csv").read_text())
    assert tables[0] == tables[1]  # the same salt: runs can be joined
    rows = rows_of(tmp_path / "first" / "identifiers.csv")
    hashes = [row["PatientID"] for row in rows]
    assert hashes[0] == hashes[1] != hashes[2] and hashes[3] == ""
    assert {len(value) for row in rows for name, value in row.items() if name != "path"} == {0, 32}
    assert HOLDER not in tables[0] and rows[0]["StudyInstanceUID"] != rows[0]["SeriesInstanceUID"]
    assert stat.S_IMODE(salt.stat().st_mode) == 0o600
    secret = salt.read_text().strip()
    printed = capfd.readouterr()
    for part in (*outputs(tmp_path / "first").values(), printed.out.encode(), printed.err.encode()):
        assert secret.encode() not in part
    salt.write_text("another salt of enough bytes")
    run(folder, saved_model, tmp_path / "third", hash_identifiers=salt)
    assert rows_of(tmp_path / "third" / "identifiers.csv")[0]["PatientID"] != hashes[0]
    record = json.loads((tmp_path / "third" / "run.json").read_text())
    assert record["arguments"]["hash_identifiers"] == str(salt)


def test_the_hash_depends_on_salt_kind_and_value():
    known = salted_hash(b"s" * 16, "PatientID", "1")
    assert known == salted_hash(b"s" * 16, "PatientID", "1") and len(known) == 32
    assert known != salted_hash(b"t" * 16, "PatientID", "1")
    assert known != salted_hash(b"s" * 16, "StudyInstanceUID", "1")
    assert known != salted_hash(b"s" * 16, "PatientID", "2")


def test_wrong_usage_is_told(tmp_path):
    short = tmp_path / "short"
    short.write_text("pepper\n")
    with pytest.raises(UsageError, match="6 bytes"):
        read_salt(short)
    with pytest.raises(UsageError, match="cannot be read or made"):
        read_salt(tmp_path / "no" / "folder")
    with pytest.raises(UsageError, match="not both"):
        identifier_reader(True, short, tmp_path / "out")
    with pytest.raises(UsageError, match="apart"):
        identifier_reader(False, tmp_path / "out" / "salt", tmp_path / "out")
    assert identifier_reader(False, None, tmp_path) is None


def test_identifiers_of_what_is_no_dicom_file_are_none(tmp_path):
    contents = {"film.png": encode(ramp(), "PNG"), "junk.dcm": b"junk" * 99, "empty.dcm": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        assert read_identifiers(tmp_path / name) is None
    assert read_identifiers(tmp_path / "gone.dcm") is None
    path = tmp_path / "film"
    path.write_bytes(dicom_bytes(planted()))
    assert tuple(read_identifiers(path)) == IDENTIFIERS == COLUMNS[1:]
