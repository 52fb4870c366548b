"""Writers that put phantoms on disk in the layouts of releases that add hospitals and collections.

Every folder gets a `PHANTOM.txt`, and every film has the word burnt in.
"""

from pathlib import Path

import cv2
import numpy as np

from tools.phantoms.chest import phantom
from tools.phantoms.files import (
    draw,
    eight_bit,
    generator,
    make_folder,
    mark,
    resize,
    write_csv,
    write_image,
)


def write_nih(out: Path, films: int, seed: int, size: int) -> None:
    """Write ChestX-ray14: `Data_Entry_2017.csv`, `images_001/images` and on, lists and boxes.

    In turn normal, pneumonia alone, normal, and several findings; two films a patient, ages as in
    the first edition (`058Y`), every fifth patient a child.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height and width in pixels.
    """
    mark(out)
    findings = ("No Finding", "Pneumonia", "No Finding", "Effusion|Pneumonia")
    cycle = ("normal", "bacterial", "normal", "bacterial")
    rows: list[tuple[object, ...]] = []
    lists: dict[bool, list[str]] = {False: [], True: []}
    for number, _, drawn in draw(cycle, films, seed, "nih", size):
        patient, visit = divmod(number, 2)
        name = f"{patient + 1:08d}_{visit:03d}.png"
        archive = f"images_{1 + number * 3 // max(films, 1):03d}"
        write_image(out / archive / "images" / name, eight_bit(drawn.pixels))
        age = f"{8 if patient % 5 == 4 else 20 + 7 * patient % 60:03d}Y"
        found = findings[number % len(findings)]
        who = (visit, patient + 1, age, "FM"[patient % 2], ("PA", "AP")[number % 3 == 2])
        rows.append((name, found, *who, 2500, 2048, 0.171, 0.171, ""))
        lists[patient % 4 == 3].append(name)
    header = (
        "Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age",
        "Patient Gender", "View Position", "OriginalImage[Width", "Height]",
        "OriginalImagePixelSpacing[x", "y]", "",
    )  # fmt: skip
    write_csv(out / "Data_Entry_2017.csv", header, rows)
    (out / "train_val_list.txt").write_text("\n".join(lists[False]) + "\n")
    (out / "test_list.txt").write_text("\n".join(lists[True]) + "\n")
    boxes = [(row[0], "Pneumonia", 100, 120, 80, 90) for row in rows[1:2]]
    names = ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]")
    write_csv(out / "BBox_List_2017.csv", names, boxes)


def write_radiography(out: Path, films: int, seed: int, size: int) -> None:
    """Write the COVID-19 Radiography Database: four folders, and a table of each.

    The tables are CSV exports of the release's workbooks; that of the normal films spells its
    names in capitals. Films of one class come from its origins in turn.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height and width in pixels; the release has 299.
    """
    mark(out)
    rsna = "https://www.kaggle.com/c/rsna-pneumonia-detection-challenge/data"
    kermany = "https://www.kaggle.com/paultimothymooney/chest-xray-pneumonia"
    covid = (
        "https://bimcv.cipf.es/bimcv-projects/bimcv-covid19/#1590858128006-9e640421-6711",
        "https://github.com/ml-workgroup/covid-19-image-repository/tree/master/png",
        "https://sirm.org/category/senza-categoria/covid-19/",
        "https://github.com/armiro/COVID-CXNet",
    )
    origins = {
        "COVID": ("covid19", covid),
        "Normal": ("normal", (rsna, kermany)),
        "Lung_Opacity": ("bacterial", (rsna,)),
        "Viral Pneumonia": ("viral", (kermany,)),
    }
    tables: dict[str, list[tuple[object, ...]]] = {name: [] for name in origins}
    cycle = [label for label, _ in origins.values()]
    for number, _, drawn in draw(cycle, films, seed, "radiography", size):
        name = tuple(origins)[number % len(origins)]
        addresses, table = origins[name][1], tables[name]
        film = f"{name}-{len(table) + 1}"
        write_image(out / name / "images" / f"{film}.png", eight_bit(drawn.pixels))
        lungs = (drawn.left_lung | drawn.right_lung).astype(np.uint8) * 255
        write_image(
            out / name / "masks" / f"{film}.png", resize(lungs, (256, 256), cv2.INTER_NEAREST)
        )
        listed = film.upper() if name == "Normal" else film
        table.append((listed, "PNG", "256*256", addresses[len(table) % len(addresses)]))
    for name, table in tables.items():
        make_folder(out / name / "images")
        write_csv(out / f"{name}.metadata.csv", ("FILE NAME", "FORMAT", "SIZE", "URL"), table)


def write_hannover(out: Path, films: int, seed: int, size: int) -> None:
    """Write Hannover's repository: `data.csv` and `png/`; two films a patient, no ages.

    Of every five patients one was admitted three weeks after the film, another ten days after.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height and width in pixels.
    """
    mark(out)
    header = (
        "patient_id", "image_id", "sex", "age", "size", "weight", "admission_offset",
        "icu_admission_offset", "icu_release_offset", "death_offset", "modality", "projection",
        "crp_offset", "crp_val",
    )  # fmt: skip
    rows = []
    for number in range(films):
        patient, visit = divmod(number, 2)
        exposure = generator(seed, "hannover exposure", number)
        drawn = phantom("covid19", generator(seed, "hannover", patient), size, exposure)
        name = f"{generator(seed, 'hannover id', number).integers(1 << 32):08x}"
        write_image(out / "png" / f"{name}.png", eight_bit(drawn.pixels))
        offset = {3: 21, 4: 10}.get(patient % 5, -5 * visit)
        kind = ("CR", "ap") if visit else ("DX", "pa")
        who = (f"{patient:08x}", name, "mf"[patient % 2], "", "", "")
        rows.append((*who, offset, "", "", "", *kind, "0.0", "5.0"))
    write_csv(out / "data.csv", header, rows)


def write_cxnet(out: Path, films: int, seed: int, size: int) -> None:
    """Write COVID-CXNet: `chest_xray_images/covid19`, with the marks of its names.

    Every fifth film shows nothing (`-`), every sixth a child (`p`), every seventh is a PNG among
    the copies of Hannover's films.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height and width in pixels.
    """
    mark(out)
    for number, _, drawn in draw(("covid19",), films, seed, "cxnet", size):
        sign = "-" if number % 5 == 4 else "p" if number % 6 == 5 else ""
        name = f"{number + 1:03d}{sign}.{('jpg', 'jpeg', 'png')[number % 3]}"
        if number % 7 == 3:
            name = f"{510 + number}.png"
        write_image(out / "chest_xray_images" / "covid19" / name, eight_bit(drawn.pixels))


def write_wingspan(out: Path, films: int, seed: int, size: int) -> None:
    """Write the downsampled Wingspan set: `wingspan/png` and `wingspan/mask/<organ>`.

    Every fourth film is the second of a study.

    Args:
        out: Folder.
        films: Number of films.
        seed: Of the patients.
        size: Height and width in pixels; the release has 512.
    """
    mark(out)
    root = out / "wingspan"
    for number, _, drawn in draw(("normal",), films, seed, "wingspan", size):
        study = 7900 + number - (number % 4 == 3)
        name = f"1.2.410.200048.{study}.20170105{80000 + number:06d}.png"
        write_image(root / "png" / name, eight_bit(drawn.pixels))
        for organ in ("heart", "left_lung", "right_lung"):
            mask = getattr(drawn, organ).astype(np.uint8) * 255
            write_image(root / "mask" / organ / name, mask)
