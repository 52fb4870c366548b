import pytest

from pipelines.adapters import cohen
from pipelines.adapters.cohen import class_of

# The header of the first weeks and one of the last editions.
OLD = (
    "Patientid,offset,sex,age,finding,survival,view,date,location,filename,doi, url,license,notes\n"
)
NEW = "patientid,offset,sex,age,finding,view,modality,folder,filename,license,clinical_notes,\n"


@pytest.mark.parametrize(
    ("finding", "label"),
    [
        ("COVID-19", "covid19"),
        ("COVID-19, ARDS", "covid19"),
        ("Pneumonia/Viral/COVID-19", "covid19"),
        ("SARS", "viral"),
        ("ARDS", "viral"),
        ("Pneumonia/Viral/MERS-CoV", "viral"),
        ("Pneumonia/Viral/Influenza/H1N1", "viral"),
        ("Pneumonia/Viral/Herpes ", "viral"),
        ("Streptococcus", "bacterial"),
        ("E.Coli", "bacterial"),
        ("Pneumonia/Bacterial", "bacterial"),
        ("Pneumonia/Bacterial/Staphylococcus/MRSA", "bacterial"),
        ("Pneumocystis", "bacterial"),
        ("Pneumonia/Fungal/Pneumocystis", "bacterial"),
        ("Pneumonia/Fungal/Aspergillosis", "unlabelled"),
        ("Pneumonia/Lipoid", "unlabelled"),
        ("Pneumonia/Aspiration", "unlabelled"),
        ("Pneumonia", "pneumonia"),
        ("Tuberculosis", "tuberculosis"),
        ("No Finding", "normal"),
        ("todo", "unlabelled"),
        ("", "unlabelled"),
    ],
)
def test_findings_give_classes(finding, label):
    assert class_of(finding) == label


def test_an_edition_of_spring_2020(tmp_path):
    (tmp_path / "metadata.csv").write_text(
        OLD
        + '2,0,M,65,COVID-19,Y,PA,2020,,a.jpeg,10.1056/x,https://x,,"one, two"\n'
        + "13,4,M,35,COVID-19,Y,L,2020,,b.jpeg,,https://x,,\n"
        + "17,9,M,54,COVID-19,Y,CT,2020,,c.jpg,,https://x,,\n"
        + "5,,,,ARDS,,PA,2017,,d.png,,https://x,CC BY-SA,\n"
        + "6,,F,4,SARS,,AP Supine,2017,,e.png,,https://x,CC BY-NC-ND,\n"
    )
    assert cohen.recognises(tmp_path)
    first, ards, child = cohen.adapt(tmp_path)
    assert first.path == tmp_path / "images" / "a.jpeg"
    assert (first.label, first.patient_id, first.view) == ("covid19", "cohen-2", "PA")
    assert (first.sex, first.age, first.cohort) == ("M", "65", "adult")
    assert first.licence == cohen.LICENCE
    assert first.trainable
    assert (ards.label, ards.licence, ards.cohort) == ("viral", "CC BY-SA", "")
    assert (child.view, child.cohort, child.trainable) == ("AP Supine", "paediatric", False)
    assert [row.age_group for row in (first, ards, child)] == ["adult", "", "child"]
    assert [row.split_classification != "" for row in (first, ards, child)] == [True, True, False]


def test_a_late_edition(tmp_path):
    (tmp_path / "metadata.csv").write_text(
        NEW
        + "2,0,M,65,Pneumonia/Viral/COVID-19,PA,X-ray,images,a.jpeg,,note,\n"
        + "3,0,M,57.0,Pneumonia/Viral/COVID-19,AP Supine,X-ray,images,b.jpeg,CC BY,note,\n"
        + "3,1,M,57.0,Pneumonia/Viral/COVID-19,Axial,CT,volumes,c.nii.gz,CC BY,note,\n"
        + "4,0,F,33,Pneumonia/Viral/COVID-19,AP Erect,X-ray,images,d.jpeg,CC BY,note,\n"
        + "5,0,F,33,Pneumonia,AP,X-ray,images,e.jpeg,CC BY,note,\n"
        + "6,0,F,33,Pneumonia/Lipoid,PA,X-ray,images,f.jpeg,CC BY,note,\n"
        + "7,0,F,33,Pneumonia/Viral/COVID-19,Coronal,CT,images,g.jpeg,CC BY,note,\n"
    )
    manifest = cohen.adapt(tmp_path)
    assert [row.path.stem for row in manifest] == ["a", "b", "d", "e", "f"]
    assert [row.view for row in manifest] == ["PA", "AP Supine", "AP", "AP", "PA"]
    assert [row.split_classification != "" for row in manifest] == [True, True, True, False, False]
    assert manifest[1].age == "57"


def test_a_table_of_something_else_is_not_recognised(tmp_path):
    (tmp_path / "metadata.csv").write_text("patientid,diagnosis,filename\n1,well,a.png\n")
    assert not cohen.recognises(tmp_path)
