"""NIH ChestX-ray14 as its two editions spell it, and unpacked in part."""

import pytest

from pipelines.adapters import nih
from pipelines.manifest.table import ManifestError

FIRST = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n"
)
LATER = FIRST.replace("Gender", "Sex").replace(",\n", "\n")


def release(folder, *lines, header=FIRST, name="Data_Entry_2017.csv", places=()):
    """A table, and an empty file for each of its films in `images_001/images` or where told."""
    end = "," if header == FIRST else ""
    text = "".join(f"{line},2500,2048,0.1,0.1{end}\n" for line in lines)
    (folder / name).write_text(header + text)
    for number, line in enumerate(lines):
        place = folder / (places[number] if places else "images_001/images")
        place.mkdir(parents=True, exist_ok=True)
        (place / line.partition(",")[0]).touch()
    return folder


def test_findings_ages_and_views_of_the_first_edition(tmp_path):
    release(
        tmp_path,
        "00000001_000.png,No Finding,0,1,058Y,M,PA",
        "00000001_001.png,Pneumonia,1,1,059Y,M,AP",
        "00000002_000.png,Pneumonia|Effusion,0,2,081Y,F,PA",
        "00000003_000.png,No Finding,0,3,007Y,F,PA",
        "00000004_000.png,No Finding,0,4,008M,F,AP",
        "00000005_000.png,No Finding,0,5,411Y,M,PA",
        "00000006_000.png,Hernia,0,6,060Y,M,PA",
    )
    rows = list(nih.adapt(tmp_path))
    assert [row.label for row in rows] == [
        "normal", "pneumonia", "unlabelled", "normal", "normal", "normal", "unlabelled",
    ]  # fmt: skip
    assert [row.age for row in rows] == ["58", "59", "81", "7", "0", "", "60"]
    groups = ["adult", "adult", "adult", "child", "child", "", "adult"]
    assert [row.age_group for row in rows] == groups
    assert [row.cohort == "paediatric" for row in rows] == [group == "child" for group in groups]
    assert [row.view for row in rows[:3]] == ["PA", "AP", "PA"]
    assert [row.sex for row in rows[:4]] == ["M", "M", "F", "F"]
    assert [row.patient_id for row in rows[:3]] == ["nih-00000001"] * 2 + ["nih-00000002"]
    assert rows[5].sex == "M"  # an impossible age says nothing of the rest
    taken = [row.path.stem for row in rows if row.split_classification]
    assert taken == ["00000001_000", "00000005_000"]


def test_the_later_edition_and_all_films_in_one_folder(tmp_path):
    release(
        tmp_path,
        "00000001_000.png,No Finding,0,1,57,M,PA",
        header=LATER,
        name="Data_Entry_2017_v2020.csv",
        places=("images",),
    )
    (row,) = nih.adapt(tmp_path)
    assert (row.path, row.sex, row.age) == (tmp_path / "images/00000001_000.png", "M", "57")


def test_the_lists_of_the_release_tell_who_tests(tmp_path):
    lines = [f"{n // 2 + 1:08d}_{n % 2:03d}.png,No Finding,0,1,040Y,M,PA" for n in range(160)]
    release(tmp_path, *lines)
    names = [line.partition(",")[0] for line in lines]
    (tmp_path / "train_val_list.txt").write_text("\n".join(names[:120]))
    (tmp_path / "test_list.txt").write_text("\r\n".join(names[120:]) + "\r\n")
    splits = {row.path.name: row.split_classification for row in nih.adapt(tmp_path)}
    assert {splits[name] for name in names[120:]} == {"test"}
    own = [splits[name] for name in names[:120]]
    assert own.count("validation") == 15 - 15 % 2 and own.count("test") == 0
    assert all(first == second for first, second in zip(own[::2], own[1::2], strict=True))
    (tmp_path / "test_list.txt").write_text(names[0])
    with pytest.raises(ManifestError, match="both name 00000001_000.png"):
        nih.adapt(tmp_path)


def test_films_of_archives_that_are_not_unpacked_are_left_out(tmp_path):
    release(tmp_path, *(f"0000000{n}_000.png,No Finding,0,1,040Y,M,PA" for n in range(1, 6)))
    for path in list(tmp_path.rglob("*.png"))[:3]:
        path.unlink()
    assert len(nih.adapt(tmp_path)) == 2
    for path in tmp_path.rglob("*.png"):
        path.unlink()
    with pytest.raises(ManifestError, match="none of its films is in images_"):
        nih.adapt(tmp_path)


def test_a_film_in_two_folders_is_told(tmp_path):
    line = "00000001_000.png,No Finding,0,1,57,M,PA"
    release(tmp_path, line, line, places=("images_001/images", "images"))
    with pytest.raises(ManifestError, match="images_001/images too; keep one"):
        nih.adapt(tmp_path)
