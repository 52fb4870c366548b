"""Released models are fetched once, checked, and kept whole; what goes wrong is said plainly."""

import contextlib
import functools
import http.server
import json
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.fetched import cache_folder, fetch
from cxr_tf.saved import released
from cxr_tf.saved.file_list import LIST, write_list
from cxr_tf.saved.model_folders import version_folder
from cxr_tf.saved.released import SETTING, TABLE, names_release, released_model, releases
from pipelines.manifest.checks import file_sha256
from tools.release.models import members, pin, write_archive

ROOT = Path(__file__).parents[3]
NAME = "toy-model@3"


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files, counts requests, and cuts answers short where it is told so."""

    server: "Page"

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.may_go.wait(20)
        if self.server.length is None:
            return super().do_GET()
        content = Path(self.translate_path(self.path)).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.length])

    def log_message(self, *_):
        """Say nothing."""


class Page(http.server.ThreadingHTTPServer):
    """A page of releases."""

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        self.asked, self.length, self.may_go = [], None, threading.Event()
        self.may_go.set()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        """Say nothing of a client that went away."""


@contextlib.contextmanager
def serving(folder):
    with Page(folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def archive(tmp_path):
    """An archive of a small model on a page of releases, as the command makes it."""
    models = tmp_path / "saved_models"
    version = models / "toy-model" / "3"
    (version / "variables").mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(b"graph" * 5000)
    (version / "variables" / "variables.index").write_bytes(b"")
    write_list(version)
    (models / "LICENSE").write_text("research only")
    (models / "toy-model" / "normal_ranges.json").write_text("{}")
    name, release = write_archive(version, tmp_path / "page")
    assert name == NAME
    return release


@pytest.fixture
def page(tmp_path, monkeypatch, archive):
    """A page of releases, an empty cache, and a table that pins the model."""
    monkeypatch.setattr(released, "TABLE", tmp_path / "table.json")
    pin(NAME, archive, tmp_path / "table.json")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving(tmp_path / "page") as server:
        monkeypatch.setenv(SETTING, server.url)
        yield server


def test_the_pin_is_that_of_the_shipped_model():
    again = "python -m tools.release.models saved_models/cxr_triage --pin"
    for version in sorted((ROOT / "saved_models" / "cxr_triage").glob("[0-9]*")):
        name = f"cxr_triage@{version.name}"
        assert name in releases(), f"{name} is not pinned: {again}"
        assert releases()[name].list_sha256 == file_sha256(version / LIST), again


def test_the_pinned_archive_is_what_the_command_makes(tmp_path):
    again = "python -m tools.release.models saved_models/cxr_triage --pin"
    version = version_folder(ROOT / "saved_models" / "cxr_triage")
    name, release = write_archive(version, tmp_path)
    assert releases()[name] == release, f"the model or what lies beside it changed: {again}"
    names = [name for name, _ in members(version)]
    assert {"LICENSE", "MODEL_CARD.md", "cxr_triage/normal_ranges.json"} < set(names)


def test_a_model_is_fetched_once_with_what_lies_beside_it(page, tmp_path):
    folder = version_folder(Path(NAME))
    assert (folder / "saved_model.pb").read_bytes()[:5] == b"graph"
    assert (folder.parent / "normal_ranges.json").is_file()
    assert (folder.parents[1] / "LICENSE").is_file()
    assert (folder / "variables" / "variables.index").is_file()
    assert version_folder(Path(NAME)) == folder and len(page.asked) == 1
    assert not list(cache_folder().rglob("*.tar")), "the archive is not kept beside its content"
    assert folder.is_relative_to(tmp_path / "cache" / "cxr_tf")


def test_a_cached_model_needs_no_network(page, monkeypatch):
    folder = released_model(NAME)
    monkeypatch.setenv(SETTING, "http://127.0.0.1:9")
    assert released_model(NAME) == folder


def test_threads_that_ask_at_once_fetch_once(page):
    page.may_go.clear()
    with ThreadPoolExecutor(6) as pool:
        found = [pool.submit(released_model, NAME) for _ in range(6)]
        page.may_go.set()
        assert len({each.result(20) for each in found}) == 1
    assert len(page.asked) == 1


def ask(table, name, found):
    released.TABLE = table
    found.put(str(released_model(name)))


def test_processes_that_ask_at_once_fetch_once(page):
    spawn = multiprocessing.get_context("spawn")
    found = spawn.Queue()
    several = [spawn.Process(target=ask, args=(released.TABLE, NAME, found)) for _ in range(3)]
    for each in several:
        each.start()
    assert len({found.get(timeout=60) for _ in several}) == 1
    for each in several:
        each.join(20)
        assert each.exitcode == 0
    assert len(page.asked) == 1


def test_another_file_is_refused_and_not_kept(page, tmp_path, archive):
    path = tmp_path / "page" / archive.archive
    content = bytearray(path.read_bytes())
    content[600] ^= 1
    path.write_bytes(content)
    with pytest.raises(UsageError, match=rf"SHA-256 {file_sha256(path)}, not {archive.sha256}"):
        released_model(NAME)
    assert not [each for each in cache_folder().rglob("*") if ".tar" in each.name]
    assert not [each for each in cache_folder().rglob("*") if each.name.startswith("toy")]


def test_a_longer_file_is_given_up_before_it_fills_the_disk(page, tmp_path, archive, monkeypatch):
    with (tmp_path / "page" / archive.archive).open("ab") as file:
        file.truncate(archive.size + (64 << 20))
    with pytest.raises(UsageError, match="not the expected file: (?P<bytes>[0-9]+) bytes") as found:
        released_model(NAME)
    size = int(str(found.value).split("file: ")[1].split()[0])
    assert size <= archive.size + (1 << 20)


def test_an_answer_that_breaks_off_is_refused_and_the_next_one_taken(page):
    page.length = 1000
    with pytest.raises(UsageError, match=NAME):
        released_model(NAME)
    page.length = None
    assert (released_model(NAME) / "saved_model.pb").is_file()


def test_without_a_network_the_message_says_what_goes_where(page, tmp_path, archive, monkeypatch):
    monkeypatch.setenv(SETTING, "http://127.0.0.1:9/releases/")
    with pytest.raises(UsageError, match="cannot be fetched") as found:
        released_model(NAME)
    place = cache_folder() / "models" / archive.archive
    for words in (str(place), archive.sha256, SETTING, f"127.0.0.1:9/releases/{archive.archive}"):
        assert words in str(found.value)
    place.write_bytes((tmp_path / "page" / archive.archive).read_bytes())
    assert (released_model(NAME) / "saved_model.pb").is_file()
    assert page.asked == []


def test_without_an_address_the_message_says_what_to_set(page, archive, monkeypatch):
    monkeypatch.delenv(SETTING)
    with pytest.raises(UsageError, match=f"Set {SETTING}") as found:
        released_model(NAME)
    assert archive.archive in str(found.value) and archive.sha256 in str(found.value)


def test_a_damaged_file_put_there_by_hand_is_fetched_again(page, archive):
    home = cache_folder() / "models"
    home.mkdir(parents=True)
    (home / archive.archive).write_bytes(b"half")
    assert (released_model(NAME) / "saved_model.pb").is_file() and len(page.asked) == 1


def test_what_a_killed_process_left_is_in_nobodys_way(page, archive):
    left = cache_folder() / "models" / f".{Path(archive.archive).stem}.new" / "toy-model"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"")
    folder = released_model(NAME)
    assert not (folder.parent / "half").exists() and not left.exists()


def test_a_missing_page_is_told_by_its_status(page, monkeypatch):
    monkeypatch.setenv(SETTING, page.url + "/elsewhere")
    with pytest.raises(UsageError, match="404"):
        released_model(NAME)


def test_an_address_of_another_kind_is_refused(page, tmp_path, monkeypatch):
    monkeypatch.setenv(SETTING, f"file://{tmp_path}/page")
    with pytest.raises(UsageError, match="give http:// or https://"):
        released_model(NAME)


def test_an_unknown_name_lists_the_known_ones(page):
    with pytest.raises(UsageError, match="toy-model@4 is no released .* are: toy-model@3"):
        version_folder(Path("toy-model@4"))


def test_a_cache_that_cannot_be_written_to_is_named(page, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="XDG_CACHE_HOME"):
        released_model(NAME)


def test_a_cached_model_that_was_exchanged_is_refused(page):
    folder = released_model(NAME)
    (folder / "saved_model.pb").write_bytes(b"another graph")
    write_list(folder)
    with pytest.raises(UsageError, match="remove .*and it is fetched again"):
        released_model(NAME)


def test_a_folder_of_that_name_comes_first_and_a_path_is_no_name(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "saved_model.pb").write_bytes(b"")
    assert version_folder(Path(NAME)) == Path(NAME) and page.asked == []
    assert not names_release(Path("folder/toy-model@3")) and not names_release(Path("toy-model"))


def test_a_wrong_path_hints_at_the_names(page):
    with pytest.raises(FileNotFoundError, match="name of a released model, such as toy-model@3"):
        version_folder(Path("no/such/model"))


def test_score_takes_a_name_and_reports_an_unknown_one(page, tmp_path, capsys):
    from cxr_tf.score import main

    (tmp_path / "film.png").write_bytes(b"")
    asked = [
        "--model",
        "toy-model@9",
        "--out",
        str(tmp_path / "scores"),
        str(tmp_path / "film.png"),
    ]
    assert main(asked) == 2
    assert "there are: toy-model@3" in capsys.readouterr().err


def test_a_classifier_to_compare_with_may_be_named_too(page):
    from cxr_tf.evaluation.against import open_other
    from cxr_tf.evaluation.options import ClassificationEvaluationOptions

    def load(options):
        raise UsageError(f"asked for {options.model}")

    options = ClassificationEvaluationOptions(data=Path("data"), run=Path("run"))
    with pytest.raises(UsageError, match=f"asked for {NAME}"):
        open_other(options, Path(NAME), load, None)
    with pytest.raises(UsageError, match="no such file or folder"):
        open_other(options, Path("no/such"), load, None)


def test_the_archive_is_the_same_whatever_the_files_times_and_rights(tmp_path, archive):
    version = tmp_path / "saved_models" / "toy-model" / "3"
    (version / "saved_model.pb").touch()
    (version / "saved_model.pb").chmod(0o600)
    (version / ".hidden").write_bytes(b"not part of a model")
    assert write_archive(version, tmp_path / "again")[1] == archive


def test_the_command_writes_archive_hash_and_pin(tmp_path, archive, monkeypatch, capsys):
    from tools.release import models

    monkeypatch.setattr(models, "TABLE", tmp_path / "table.json")
    monkeypatch.setattr(models, "pin", functools.partial(pin, table=tmp_path / "table.json"))
    (tmp_path / "table.json").write_text(json.dumps({"older@1": {"archive": "a"}}))
    folder = tmp_path / "saved_models" / "toy-model"
    assert models.main([str(folder), "--out", str(tmp_path / "dist"), "--pin"]) == 0
    said = capsys.readouterr().out.split()
    assert said[0] == archive.sha256 == file_sha256(Path(said[1]))
    table = json.loads((tmp_path / "table.json").read_text())
    assert list(table) == ["older@1", NAME] and table[NAME]["sha256"] == archive.sha256
    (folder / "3" / "saved_model.pb").write_bytes(b"changed")
    assert models.main([str(folder), "--out", str(tmp_path / "dist")]) == 2
    assert "saved_model.pb differs" in capsys.readouterr().err


def test_the_table_of_the_package_is_well_formed():
    assert TABLE.is_file() and len(releases()) >= 1
    for name, release in releases().items():
        assert names_release(Path(name)) and release.archive.startswith(name.replace("@", "-"))
        assert release.sha256[:8] in release.archive and release.size > 1 << 20


def test_fetch_keeps_an_earlier_file_where_the_new_one_is_wrong(page, tmp_path, archive):
    kept = tmp_path / "kept"
    kept.write_bytes(b"earlier")
    with pytest.raises(UsageError, match="It was not kept"):
        fetch(kept, f"{page.url}/{archive.archive}", "0" * 64)
    assert kept.read_bytes() == b"earlier"
