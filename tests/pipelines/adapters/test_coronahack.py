import pytest

from pipelines.adapters import coronahack
from pipelines.manifest.table import ManifestError
from tools.phantoms.layouts import LAYOUTS

HEADER = ",X_ray_image_name,Label,Dataset_type,Label_2_Virus_category,Label_1_Virus_category\n"


def adapt(folder, *lines):
    (folder / coronahack.INDEX).write_text(
        HEADER + "".join(f"{number},{line}\n" for number, line in enumerate(lines))
    )
    return coronahack.adapt(folder)


@pytest.mark.parametrize(
    "name",
    [
        "IM-0115-0001.jpeg",
        "IM-0439-0001-0002.jpeg",
        "NORMAL2-IM-0027-0001.jpeg",
        "NORMAL2-IM-0246-0001-0001.jpeg",
        "person1_bacteria_1.jpeg",
        "person1631_virus_2826.jpeg",
        "NORMAL-1003233-0001.jpeg",
        "BACTERIA-1008087-0001.jpeg",
        "VIRUS-1003227-0001.jpeg",
    ],
)
def test_the_names_of_kermany_are_children(name):
    assert coronahack.is_paediatric(name)


@pytest.mark.parametrize(
    "name",
    [
        "streptococcus-pneumoniae-pneumonia-temporal-evolution-1-day3.jpg",
        "SARS-10.1148rg.242035193-g04mr34g09c-Fig9c-day27.jpeg",
        "F051E018-DAD1-4506-AD43-BE4CA29E960B.jpeg",
        "1-s2.0-S1684118220300682-main.pdf-003-b2.png",
        "acute-respiratory-distress-syndrome-ards-1.jpg",
        "41591_2020_819_Fig1_HTML.webp-day10.png",
        "person-with-bacteria.jpeg",
    ],
)
def test_the_names_of_cohen_are_adults(name):
    assert not coronahack.is_paediatric(name)


def test_children_have_no_split_and_causes_give_the_class(tmp_path):
    manifest = adapt(
        tmp_path,
        "IM-0128-0001.jpeg,Normal,TRAIN,,",
        "person8_bacteria_37.jpeg,Pneumonia,TRAIN,,bacteria",
        "person88_virus_164.jpeg,Pnemonia,TEST,,Virus",
        "F051E018.jpeg,Normal,TRAIN,,",
        "streptococcus-1.jpg,Pneumonia,TRAIN,Streptococcus,bacteria",
        "SARS-Fig9a-day17.jpeg,Pneumonia,TRAIN,SARS,Virus",
        "FE9F9A5D.jpeg,Pnemonia,TEST,COVID-19,Virus",
        "ards-1.jpg,Pneumonia,TRAIN,ARDS,Stress-Smoking",
    )
    assert [row.label for row in manifest] == [
        "normal", "bacterial", "viral", "normal", "bacterial", "viral", "covid19", "unlabelled",
    ]  # fmt: skip
    assert [row.cohort for row in manifest] == ["paediatric"] * 3 + ["adult"] * 5
    assert [row.age_group for row in manifest] == ["child"] * 3 + [""] * 5
    assert [row.split_classification for row in manifest] == [""] * 3 + ["train"] * 4 + [""]
    assert manifest[0].licence.startswith("CC BY 4.0")
    assert manifest[6].path.parent.name == "test"


def test_films_of_one_series_are_one_patient(tmp_path):
    manifest = adapt(
        tmp_path,
        *(f"evolution-1-day{day}.jpg,Pneumonia,TRAIN,Streptococcus,bacteria" for day in range(4)),
        "jkms-35-e79-g001-l-a.jpg,Pneumonia,TRAIN,COVID-19,Virus",
        "jkms-35-e79-g001-l-b.jpg,Pneumonia,TRAIN,COVID-19,Virus",
        "person24_bacteria_109.jpeg,Pneumonia,TEST,,bacteria",
        "person24_bacteria_110.jpeg,Pneumonia,TEST,,bacteria",
        "NORMAL2-IM-0246-0001.jpeg,Normal,TEST,,",
        "NORMAL2-IM-0246-0001-0002.jpeg,Normal,TEST,,",
    )
    assert [row.patient_id for row in manifest] == (
        ["coronahack-evolution-1"] * 4
        + ["coronahack-jkms-35-e79-g001-l"] * 2
        + ["kermany-person24"] * 2
        + ["kermany-NORMAL2-IM-0246"] * 2
    )


def test_folders_may_be_nested_once_or_twice(tmp_path):
    LAYOUTS["coronahack"](tmp_path, 5, 0, 64)
    twice = coronahack.adapt(tmp_path)
    assert all(row.path.is_file() for row in twice)
    inner = tmp_path / "Coronahack-Chest-XRay-Dataset" / "Coronahack-Chest-XRay-Dataset"
    for part in ("train", "test"):
        if (inner / part).is_dir():
            (inner / part).rename(inner.parent / part)
    once = coronahack.adapt(tmp_path)
    assert all(row.path.is_file() for row in once)
    assert [row.split_classification for row in once] == [r.split_classification for r in twice]


def test_unknown_words_are_listed_at_once(tmp_path):
    with pytest.raises(ManifestError) as caught:
        adapt(tmp_path, "a.jpg,Sick,TRAIN,,", "b.jpg,Normal,DEV,,", "c.jpg,Normal,TRAIN,,")
    assert len(caught.value.faults) == 2
    assert "a.jpg: unknown Label 'Sick'" in caught.value.faults[0]
    assert "b.jpg: unknown Dataset_type 'dev'" in caught.value.faults[1]
