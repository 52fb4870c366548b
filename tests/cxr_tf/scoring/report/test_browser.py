"""The report in a browser, from disk."""

import io
import json
import time

import numpy as np
import pytest
from PIL import Image

from cxr_tf.films.rows import score_columns
from cxr_tf.scoring.report.pages import About, worklist, write_pages
from tests.cards import made_up_card
from tests.cxr_tf.scoring.report.made_up import CLASS_MAP, CLASSES, MARKUP

ROWS = 5000


@pytest.fixture
def open_page(browser):
    """Opens a report, and in the end finds that nothing broke and nothing was asked for outside."""
    pages = []

    def open_report(report, width=1280, height=800, theme="light"):
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
        page.set_default_timeout(15_000)
        page.troubles, page.asked = [], []
        page.on("console", lambda line: page.troubles.append(line.text))
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto((report / "index.html").as_uri())
        pages.append(page)
        return page

    yield open_report
    for page in pages:
        assert page.troubles == []
        assert {url.partition(":")[0] for url in page.asked} <= {"file", "data"}
        assert page.evaluate("window.executed") is None
        page.close()


def open_film(page, name):
    page.get_by_role("link", name=name, exact=True).click()
    page.wait_for_selector("#stage[data-shown]")


def stage(page):
    """What the viewer shows, float [h, w, 3]."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    picture = Image.open(io.BytesIO(page.locator("#stage").screenshot())).convert("RGB")
    return np.asarray(picture, np.float64)[8:-8, 8:-8]  # without the round corners


def colour(picture):
    """How far a picture is from grey."""
    return float(np.ptp(picture, axis=-1).mean())


def until(page, condition):
    """Waits; the page's policy forbids `wait_for_function`, which evaluates text inside it."""
    deadline = time.monotonic() + 60
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(20)


def names(page):
    return page.locator("#rows .name a").all_text_contents()


def test_filters_search_and_groups(made_report, open_page):
    page = open_page(made_report / "report")
    everything = ["c_viral.png", MARKUP, "b_unsure.png", "a_normal.png", "e_tb.png",
                  "f_refused.png", "g_cut.png"]  # fmt: skip
    assert names(page) == everything
    assert page.locator("#rows .group").all_text_contents() == [
        "Suspect 2", "Uncertain 1", "Rest 2", "Without a decision 2",
    ]  # fmt: skip
    assert page.get_by_text("the PNG file is cut off").is_visible()

    page.get_by_label("Search").fill("WARD 3")
    assert names(page) == ["c_viral.png"]
    page.get_by_label("Search").fill("cut off")  # a reason
    assert names(page) == ["g_cut.png"]
    page.get_by_label("Search").fill("nothing like it")
    assert names(page) == [] and page.locator("#shown").text_content() == "0 of 7 films"
    page.get_by_role("button", name="Clear").click()
    until(page, "document.querySelectorAll('#rows .name').length === 7")
    page.get_by_label("viral", exact=True).check()
    page.get_by_label("normal", exact=True).check()
    assert names(page) == ["c_viral.png", MARKUP, "a_normal.png"]
    page.get_by_label("Agreement at most").fill("70")
    assert names(page) == [MARKUP]
    page.get_by_role("button", name="Clear").click()
    until(page, "document.querySelectorAll('#rows .name').length === 7")
    page.get_by_label("Status").select_option("no_lung")
    assert names(page) == ["f_refused.png"]
    page.get_by_label("Status").select_option("")
    page.get_by_role("button", name="Uncertain").click()
    assert names(page) == ["b_unsure.png"]
    page.get_by_role("button", name="Uncertain").click()
    assert names(page) == everything


def test_the_page_of_a_film(made_report, open_page):
    page = open_page(made_report / "report", height=1500)  # the bar must not cover the film
    open_film(page, "c_viral.png")
    panel = page.locator("#panel")
    assert "88 of 100 patches voted for viral" in panel.text_content()
    assert "Research use only. Not a medical device." in panel.text_content()
    assert "Cardiothoracic ratio" in panel.text_content()
    assert page.locator("tr.winner").get_by_role("rowheader").text_content() == "viral"
    film = page.locator("#film")
    assert "saliency of viral at 65 %" in film.get_attribute("aria-label")

    shown = stage(page)
    page.locator("#opacity").fill("100")
    strong = stage(page)
    page.locator("#opacity").fill("0")
    none = stage(page)
    assert colour(strong) > colour(shown) > colour(none) > 0  # the outlines are left
    page.get_by_role("button", name="Masks").click()
    assert colour(stage(page)) < 0.01
    page.locator("#opacity").fill("100")
    viral = stage(page)
    page.locator("#saliency-class").select_option("tuberculosis")
    other = stage(page)
    assert np.abs(viral - other).mean() > 1 and colour(other) > 0.1
    page.get_by_role("button", name="Patches").click()
    assert np.abs(stage(page) - other).mean() > 1
    for name in ("Patches", "Saliency"):
        page.get_by_role("button", name=name).click()
    grey = stage(page)
    page.locator("#window").fill("100")
    narrow = stage(page)
    assert narrow.std() > grey.std()
    page.locator("#level").fill("200")
    assert stage(page).mean() < narrow.mean()
    page.get_by_role("button", name="Reset window").click()
    page.get_by_role("button", name="Invert").click()
    assert np.abs(stage(page) - (255 - grey)).mean() < 1

    page.get_by_role("link", name="Worklist").click()
    open_film(page, MARKUP)
    assert page.locator("h1:visible").text_content() == MARKUP
    assert "Low agreement" in page.locator("#panel").text_content()


def test_everything_can_be_done_by_keys(made_report, open_page):
    page = open_page(made_report / "report")
    keys = page.keyboard
    keys.press("j"), keys.press("j"), keys.press("k"), keys.press("Enter")
    page.wait_for_selector("#stage[data-shown=c_viral]")
    assert page.locator("#position").text_content() == "1 of 7"
    assert page.get_by_role("button", name="Previous").is_disabled()
    for key, toggle in {"m": "mask", "s": "saliency", "p": "patches", "i": "invert"}.items():
        button = page.locator(f"[data-toggle={toggle}]")
        before = button.get_attribute("aria-pressed")
        keys.press(key)
        assert button.get_attribute("aria-pressed") != before, key
    keys.press("1"), keys.press("]")
    assert page.locator("#saliency-class option:checked").text_content() == "normal"
    assert page.locator("#opacity").input_value() == "75"
    page.locator("#window").focus()
    keys.press("ArrowLeft")  # stays with the slider
    assert page.locator("#window").input_value() == "254"
    keys.press("w")
    assert page.locator("#window").input_value() == "255"
    page.locator("#window").blur()
    keys.press("ArrowRight")
    page.wait_for_selector("#stage[data-shown*=onerror]")
    keys.press("j"), keys.press("j"), keys.press("j"), keys.press("j"), keys.press("j")
    page.wait_for_selector("#stage.blank")
    assert "There is no picture" in page.locator("#stage-text").text_content()
    assert "the PNG file is cut off" in page.locator("#panel").text_content()
    keys.press("?")
    assert page.get_by_role("dialog").is_visible()
    keys.press("Escape")
    keys.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    keys.press("Escape")
    assert page.locator("#rows a:focus").text_content() == "g_cut.png"
    keys.press("/"), keys.type("tb")
    assert names(page) == ["e_tb.png"]


def test_a_phone_shows_all_without_scrolling_sideways(made_report, open_page):
    page = open_page(made_report / "report", 390, 844, "dark")
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) == 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 18, 22)"
    open_film(page, "c_viral.png")
    assert page.evaluate(wide) == 390
    page.mouse.wheel(0, 400)
    until(page, "scrollY > 300")
    notice = page.locator(".notice")
    assert 0 <= notice.bounding_box()["y"] < 30  # it stays in sight


def test_five_thousand_rows_stay_fluid(tmp_path, open_page):
    rng = np.random.default_rng(0)
    columns = score_columns(CLASSES)
    rows = []
    for number in range(ROWS):
        p = rng.dirichlet(np.ones(4))
        label = int(p.argmax())
        values = (f"films/ward {number % 50}/film_{number:05d}.png", "ok", CLASSES[label],
                  *(100 * p).astype(int), *p, p.max(), 0.3, 100, 0, "made-up", "",
                  0.2, 0.8, 1.0, 0.9, *p, CLASSES[label], 0, "", 0.6, CLASSES[label])  # fmt: skip
        rows.append(dict(zip(columns, map(str, values), strict=True)))
    about = About(made_up_card(CLASSES, class_map=CLASS_MAP), [], [])
    names_of = [f"film_{number:05d}" for number in range(ROWS)]
    write_pages(tmp_path, worklist(rows, names_of, frozenset(), about), about)

    page = open_page(tmp_path)
    assert page.locator("#rows > div").count() < 60
    search = """
        async (text) => {
            const box = document.getElementById("search"), began = performance.now();
            box.value = text;
            box.dispatchEvent(new Event("input"));
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            return performance.now() - began;
        }
    """
    times = [page.evaluate(search, text) for text in ("ward 7", "film_0", "viral", "")]
    print(json.dumps({"filter_ms": [round(each, 1) for each in times]}))
    assert min(times) < 200
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    until(page, "document.querySelector('#rows .row:last-child') !== null")
    until(page, "[...document.querySelectorAll('#rows .row')].some(r => r.ariaRowIndex == 5001)")
    assert page.locator("#rows > div").count() < 60
    assert page.locator("#table").get_attribute("aria-rowcount") == "5001"
