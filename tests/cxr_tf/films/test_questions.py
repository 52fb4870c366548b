"""One film asked about from Python: the same record as the command line, shown without harm."""

import csv
import dataclasses
import io
import os
import select
import signal
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from rich.console import Console

import cxr_tf
from cxr_tf import score
from cxr_tf.films.columns import parse_row
from cxr_tf.films.model import TriageModel
from cxr_tf.films.prediction import Prediction
from cxr_tf.films.rows import score_columns
from cxr_tf.method.question import vote_tensors
from cxr_tf.method.vote_options import VoteOptions
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.progress import Reporter
from cxr_tf.runtime.provenance import NOTICE, PHANTOM_NOTICE
from cxr_tf.saved.load import load
from cxr_tf.scoring.options import ScoreOptions
from cxr_tf.scoring.server.remote_model import connect
from pipelines.films import read_film
from tests.cards import made_up_card
from tests.cxr_tf.fake_runs import film, png
from tests.cxr_tf.scoring.server.stand_in import Answers, serve_grpc, serve_rest
from tests.samples import dicom_bytes, dicom_dataset

#: A name that is markup in HTML and in rich, mathematics in matplotlib, and moves a cursor.
EVIL = "<img src=x onerror=alert(1)>[red]$x_1$\x1b[2J.png"


@pytest.fixture(scope="module")
def model(exported):
    return load(exported)


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    (folder / "a.png").write_bytes(png(film()))
    (folder / "c.png").write_bytes(png(film())[:-900])
    (folder / "d.png").write_bytes(png(np.zeros((9, 9), np.uint16)))
    padded = film() // 16
    padded[:40] = 4095
    dataset = dicom_dataset(padded, stored_bits=12, PixelPaddingValue=4095)
    (folder / "e.dcm").write_bytes(dicom_bytes(dataset))
    return folder


@pytest.mark.slow
def test_one_record_from_python_command_line_rest_and_grpc(
    model, films, exported, served, tmp_path
):
    """Every field of `scores.csv`, for good and bad films, and one that is not there."""
    inputs = [*map(str, sorted(films.iterdir())), str(films / "none.png")]
    options = ScoreOptions(inputs=tuple(inputs), model=exported, out=tmp_path)
    assert score.run(options, Reporter(quiet=True)) == 1
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    columns = score_columns(model.classes)
    assert tuple(header) == columns
    expected = [parse_row(columns, row) for row in rows]
    statuses = ["ok", "unreadable", "constant", "ok", "unreadable"]
    assert [row["status"] for row in expected] == statuses
    assert [model.score(path).record for path in inputs] == expected
    assert model.explain(Path(inputs[0])).record == expected[0]
    for serve in (serve_rest, serve_grpc):
        address, stop = serve(Answers("cxr_fake", served))
        try:
            remote = connect(address, exported / "1", deadline=60)
            for path, row in zip(inputs, expected, strict=True):
                found = remote.score(path).record
                assert tuple(found) == columns
                assert found == row, (serve.__name__, path)
            remote.close()
        finally:
            stop()


def test_paths_arrays_and_films_are_one_film(model, films):
    expected = model.score(films / "a.png", name="x").record
    assert model.score(film(), name="x").record == expected
    assert model.score(read_film(films / "a.png"), name="x").record == expected
    eight = film() // 257
    found = model.score(eight.astype(np.uint8))
    assert found.record == model.score((eight * 257).astype(np.uint16)).record
    assert found.path == "" and found.prediction.label == found.label != ""
    assert sum(found.votes.values()) == found.record["patches_used"] == 100
    assert found.agreement == max(found.votes.values()) / 100
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_options_reach_the_model(model):
    found = model.score(film(), seed=3, patches=7)
    assert found.record["seed"] == 3 and found.record["patches_used"] == 7
    assert model.score(film(), decision_only=True).record["patches_used"] < 100
    padded = film()
    padded[:40] = 65535
    exact = model.predict(padded, 65535).probabilities
    found = model.score(padded, padding=65535)
    assert np.array_equal(found.prediction.probabilities, exact)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (np.zeros((4, 4, 2)), r"an array float64 \[4, 4, 2\]: give the grey levels"),
        (np.zeros((4, 4), bool), r"an array bool \[4, 4\]"),
        (np.full((4, 4), np.nan), "holds 16 values that are NaN or infinite"),
        ([[1, 2], [3]], "film of type list is no array"),
        (None, "film None: give a path or address, the content of a file as bytes, an array"),
        (7, "film of type int: give"),
        ({"pixels": 1}, "film of type dict: give"),
        ("", "film '': give the path"),
    ],
)
def test_what_is_no_film_is_refused(model, wrong, words):
    for ask in (model.score, model.segment, model.explain):
        with pytest.raises(UsageError, match=words):
            ask(wrong)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"patches": 0}, "patches 0: give a number from 1 to 400"),
        ({"patches": "50"}, "patches '50': give a whole number"),
        ({"patches": True}, "patches True: give a whole number"),
        ({"patches": 2.5}, "patches 2.5: give a whole number"),
        ({"patches": None}, "patches None: give a whole number"),
        ({"patches": float("nan")}, "patches nan: give a whole number"),
        ({"seed": -1}, r"seed -1: give a number from 0 to 2\^63 - 1"),
        ({"seed": 2**64}, "seed 18446744073709551616: give a number"),
        ({"gate": "no"}, "gate 'no': give True or False"),
        ({"padding": "0"}, "padding '0': give the one grey level"),
        ({"padding": 70_000}, "padding 70000: give one of the levels 0 to 65535"),
    ],
)
def test_a_wrong_option_is_named_and_no_fault_of_the_film(model, films, options, words):
    for ask in (model.score, model.explain):
        with pytest.raises(UsageError, match=words):
            ask(film(), **options)
    if "padding" not in options:
        with pytest.raises(UsageError, match=words):
            model.score(films / "c.png", **options)


def test_options_of_one_meaning_are_taken(model):
    expected = model.score(film(), patches=50, seed=3).record
    for patches in (50.0, np.int64(50), np.float32(50), np.array(50)):
        found = model.score(film(), patches=patches, seed=np.uint8(3), padding=None)
        assert found.record == expected
        assert type(found.record["seed"]) is int
    assert (
        model.score(film(), VoteOptions(patches=50.0, seed=3.0), gate=np.True_).record == expected
    )


def test_every_form_of_a_film_has_one_answer(model, films):
    """The same film as full range, 0..255, signed, fractional, tensor, list, picture and bytes."""
    eight = (film() >> 8).astype(np.uint8)
    eight[0, :256] = np.arange(256)  # every level, so that ranks and levels are one
    expected = model.score(eight.astype(np.uint16) * 257).record
    assert expected["status"] == "ok"
    file = io.BytesIO()
    picture = Image.fromarray(eight)
    picture.save(file, "PNG")
    forms = {
        "uint8": eight,
        "0..255 of uint16": eight.astype(np.uint16),
        "int32": eight.astype(np.int32) - 1000,
        "int16": eight.astype(np.int16),
        "float": eight / 255,
        "float32 0..255": eight.astype(np.float32),
        "tensor": tf.constant(eight),
        "list": eight.tolist(),
        "[H, W, 1]": eight[..., None],
        "colour": np.repeat(eight[..., None], 3, 2),
        "PIL": picture,
        "PIL RGBA": picture.convert("RGBA"),
        "PIL palette": picture.convert("P"),
        "PIL 16 bits": Image.fromarray(eight.astype(np.uint16) * 257),
        "bytes": file.getvalue(),
        "bytearray": bytearray(file.getvalue()),
    }
    for name, form in forms.items():
        assert model.score(form).record == expected, name
    mask = model.segment(eight).mask
    np.testing.assert_array_equal(model.segment(eight / 255).mask, mask)
    np.testing.assert_array_equal(model.describe(eight - 999.0)[1], mask)
    path = films / "levels.png"
    path.write_bytes(png(eight.astype(np.uint16)))
    try:
        assert model.score(path, name="x").record == expected | {"path": "x"}
        assert model.score(os.fspath(path), name="x").record == expected | {"path": "x"}
    finally:
        path.unlink()
    assert model.score(b"").error.startswith("the file is empty")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (film()[:16, :16], "16 x 16 pixels, and a film needs at least 150"),
        (np.repeat(film(), 3, 1), "sides of 3.0 to 1"),
        ((film() >> 15) * 65535, "2 grey levels"),
    ],
)
def test_what_is_no_single_film_is_refused_with_the_numbers(model, wrong, words):
    found = model.explain(wrong, patches=7)
    assert (found.status, found.label) == ("unsupported", "") and words in found.error
    answer = found.prediction
    assert words in answer.warning and not answer.votes.any() and answer.class_index == -1
    assert answer.centres.shape == (7, 2) and (answer.centres == -1).all()
    segmented = model.segment(wrong)
    assert segmented.status == "unsupported" and words in segmented.error
    assert not segmented.mask.any()


def test_a_refusal_of_python_is_that_of_the_graph(model):
    """Every output, type and shape, for a film that no network is shown."""
    wrong = film()[:16, :16]
    asked = (tf.constant(wrong), tf.constant(-1), *vote_tensors(VoteOptions(patches=7)))
    graph = Prediction.from_tensors(model._functions["explain_film"](*asked, tf.constant(True)))
    found = model.predict(wrong, patches=7, explain=True, unweighted=True)
    for field in dataclasses.fields(Prediction):
        left, right = (getattr(each, field.name) for each in (found, graph))
        assert np.shape(left) == np.shape(right), field.name
        assert np.asarray(left).dtype == np.asarray(right).dtype, field.name
        np.testing.assert_array_equal(left, right, err_msg=field.name)


def test_a_forked_child_is_told_at_once(model):
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        said = b"no error"
        try:
            for ask in (model.score, model.explain, model.segment, model.predict, model.describe):
                said = b"no error"
                try:
                    ask(film())
                except UsageError as error:
                    said = str(error).encode()
        finally:
            os.write(writing, said)
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        ready, _, _ = select.select([pipe], [], [], 60)
        said = pipe.read() if ready else b"hangs"
    if not ready:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert b"loaded in another process" in said and b"spawn" in said


def test_a_model_that_breaks_is_the_answer_of_that_film():
    def breaks(*_):
        raise RuntimeError("no memory")

    names = ("predict_film", "decide_film", "explain_film", "segment_film")
    broken = TriageModel(dict.fromkeys(names, breaks), made_up_card(("a", "b")))
    found = broken.score(film())
    assert (found.status, found.label) == ("failed", "")
    assert found.error == "the model broke: RuntimeError: no memory"


def test_segment_takes_paths_and_still_unpacks(model, films):
    found = model.segment(films / "a.png")
    mask, status = found
    assert status == found[1] == found.status == "ok" and mask is found[0] is found.mask
    np.testing.assert_array_equal(mask, model.segment(film()).mask)
    assert found.uncertainty.shape == mask.shape and 0 < found.uncertainty.max() <= 1
    bad = model.segment(films / "c.png")
    assert not bad.uncertainty.any()
    assert bad.status == "unreadable" and "fetch it again" in bad.error and not bad.mask.any()
    assert "data:image/png" in found._repr_html_()
    assert "data:image/png" not in bad._repr_html_() and bad.error in str(bad)


def test_explain_gives_maps_by_class(model, films):
    found = model.explain(films / "a.png", patches=20)
    assert isinstance(found, cxr_tf.Explanation) and isinstance(found, cxr_tf.Score)
    assert tuple(found.saliency) == model.classes and found.saliency[found.label].max() <= 1
    np.testing.assert_array_equal(found.mask, model.segment(film()).mask)
    bad = model.explain(films / "c.png")
    assert bad.mask is None and bad.saliency == {} and bad.pixels is None
    assert model.explain(films / "d.png").saliency == {}


def shown(result):
    """What a notebook, a terminal and rich show."""
    text = io.StringIO()
    console = Console(file=text, width=200, force_terminal=True, color_system="truecolor")
    console.print(result)
    return result._repr_html_(), str(result), text.getvalue()


def test_every_display_says_what_it_is_and_obeys_no_name(model):
    for result in (
        model.explain(film(), patches=5, name=EVIL),
        model.segment(film(), name=EVIL),
        model.score(np.zeros((9, 9), np.uint16), name=EVIL),
    ):
        for text in shown(result):
            assert NOTICE in text and PHANTOM_NOTICE in text
            assert "\x1b[2J" not in text and r"\x1b[2J" in text
        html, plain, rich = shown(result)
        assert "<img src=x" not in html and "&lt;img src=x onerror=alert(1)&gt;[red]" in html
        assert "[red]" in plain and "[red]" in rich
        assert "grey level" in plain or "data:image/png;base64," in html
        assert EVIL not in repr(result) and len(repr(result)) < 200


def test_plot_draws_the_map_and_shows_itself(model, films):
    figure = model.plot(film(), patches=20, name=EVIL)
    assert figure._repr_png_().startswith(b"\x89PNG")
    film_axes, map_axes, votes, _ = figure.axes
    (outlined,), (covered,) = film_axes.get_images(), map_axes.get_images()
    assert (outlined.get_array() != covered.get_array()).mean() > 0.01
    assert sum(bar.get_width() for bar in votes.patches) == 20
    assert NOTICE in figure.get_suptitle() and r"\$x_1\$" in figure.get_suptitle()
    bad = model.plot(films / "c.png")
    assert not bad.axes and "unreadable" in bad.get_suptitle()
    assert bad._repr_png_().startswith(b"\x89PNG")
