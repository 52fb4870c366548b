"""Measures how equal answers are: `python -m tools.promises.determinism --page PAGE`.

The same films go through the model in several ways, each in a process of its own: Python and the
C API, with one thread and with several, alone, in another order, and in one request.
`determinism.json` says how many answers are equal byte by byte and how far the others lie apart.
The page's table is made of that file, between `<!-- table determinism -->` and its end.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from cxr_tf.runtime.progress import Reporter
from cxr_tf.saved.model_folders import version_folder
from pipelines.status import OK
from tools.pages.marked_tables import fill_tables
from tools.pages.recorded import keep_record, record_and_page
from tools.paper.rows import table
from tools.phantoms.chest import LABELS, phantom
from tools.promises.film_answers import OUTPUTS, Answers

ROOT = Path(__file__).parents[2]
RECORD = "determinism.json"
#: A label may change with the threads where the vote is as close as this.
MARGIN = 2
#: Largest difference of probabilities that is promised across threads.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Options:
    """Ask a model about the same films in several ways, and compare the answers."""

    model: Path = Path("saved_models/cxr_triage")
    """saved_models/NAME or saved_models/NAME/VERSION"""
    out: Path = Path("results/reliability")
    """folder of determinism.json"""
    films: int = 16
    """phantoms to draw"""
    folder: Path | None = None
    """a folder of PNG and JPEG files in place of phantoms"""
    threads: int = 2
    """the larger number of threads"""
    page: Path | None = None
    """results/reliability/determinism.md, to fill its table"""
    run: bool = True
    """--no-run: fill the page from the determinism.json that is there"""


@dataclass(frozen=True)
class Comparison:
    """How two ways to the answers agree.

    Attributes:
        name: what is compared.
        exact: whether equal bytes are promised, or the bounds across threads.
        films: number of films.
        answered: those that the model decided on.
        equal: films whose answers have equal bytes.
        labels: films whose label differs.
        clear_labels: those of them whose vote was not close.
        votes: largest difference of a class' votes.
        probabilities: largest difference of a mean probability.
    """

    name: str
    exact: bool
    films: int
    answered: int
    equal: int
    labels: int
    clear_labels: int
    votes: int
    probabilities: float

    def kept(self) -> bool:
        """Tell whether what is promised holds."""
        if self.exact:
            return self.equal == self.films
        return not self.clear_labels and self.probabilities <= TOLERANCE


def compare(name: str, exact: bool, left: Answers, right: Answers) -> Comparison:
    """Compare answers film by film.

    Args:
        name: what is compared.
        exact: whether equal bytes are promised.
        left: arrays by output, films first.
        right: the same of the other way.
    """
    labels = left["label"] != right["label"]
    pairs = [(_plain(left[x]), _plain(right[x])) for x in OUTPUTS]
    equal = [
        all(one[index].tobytes() == other[index].tobytes() for one, other in pairs)
        for index in range(len(labels))
    ]
    votes = np.sort(left["votes"], 1)
    clear = votes[:, -1] - votes[:, -2] > MARGIN
    return Comparison(
        name,
        exact,
        films=len(labels),
        answered=int((left["status"] == OK).sum()),
        equal=sum(equal),
        labels=int(labels.sum()),
        clear_labels=int((labels & clear).sum()),
        votes=int(np.abs(left["votes"] - right["votes"]).max()),
        probabilities=float(np.abs(left["probabilities"] - right["probabilities"]).max()),
    )


def _plain(values: np.ndarray) -> np.ndarray:
    """Give the same values in the widest type of their kind, as Python has them."""
    kinds = {"b": "int64", "i": "int64", "f": "float64", "U": "U300"}
    return values.astype(kinds[values.dtype.kind])


def comparisons(
    ask: Callable[[str, int], dict[str, Answers]],
    threads: int,
    served: Sequence[int] | None = None,
) -> list[Comparison]:
    """Compare every way with one that it ought to equal.

    Args:
        ask: gives the rounds of a way and a number of threads, by a process of its own.
        threads: the larger number; Python is asked with it, and with one thread.
        served: numbers of threads that the C API is asked with; None for the same.
    """
    found = []
    counts = {1: "1 thread", threads: f"{threads} threads"}
    python = {count: ask("python", count) for count in counts}
    c_api = {count: ask("c_api", count) for count in (counts if served is None else served)}
    for way, by_count in (("Python", python), ("C API", c_api)):
        for count, rounds in by_count.items():
            name = f"{way}, {counts[count]}"
            found.append(compare(f"{name}: asked again", True, rounds["first"], rounds["again"]))
            if "batch" in rounds:
                name += ": alone, in a batch"
                found.append(compare(name, True, rounds["first"], rounds["batch"]))
    for count, rounds in c_api.items():
        name = f"{counts[count]}: Python, C API"
        found.append(compare(name, True, python[count]["first"], rounds["first"]))
    for way, by_count in (("Python", python), ("C API", c_api)):
        if len(by_count) == 2:
            name, one, several = f"{way}: 1 thread, {threads} threads", *by_count.values()
            found.append(compare(name, False, one["first"], several["first"]))
    return found


def process(model: Path, folder: Path, way: str, threads: int) -> dict[str, Answers]:
    """Ask one way in a process of its own.

    Args:
        model: version folder.
        folder: image files alone.
        way: see `tools.promises.film_answers`.
        threads: of TensorFlow.

    Returns:
        Answers by round.

    Raises:
        RuntimeError: the process failed.
    """
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "answers.npz"
        words = [way, str(model.absolute()), str(folder.absolute()), str(threads), str(out)]
        command = [sys.executable, "-m", "tools.promises.film_answers", *words]
        done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
        if done.returncode:
            raise RuntimeError(f"{way} with {threads} threads failed: {done.stderr[-2000:]}")
        rounds: dict[str, Answers] = {}
        with np.load(out) as found:
            for name, value in found.items():
                part, _, output = name.partition("/")
                rounds.setdefault(part, {})[output] = value
    return rounds


def draw(folder: Path, count: int) -> None:
    """Draw phantoms of all classes and several sizes.

    Args:
        folder: takes the files.
        count: number of films.
    """
    from pipelines.films import encode_png16

    for seed in range(count):
        label, size = LABELS[seed % len(LABELS)], (512, 700, 1024)[seed % 3]
        film = phantom(label, np.random.default_rng(seed), size)
        (folder / f"{seed:03}.png").write_bytes(encode_png16(film.pixels))


def determinism_table(record: Mapping[str, Any]) -> list[str]:
    """Write the table of results/reliability/determinism.md.

    Args:
        record: of `determinism.json`.
    """
    rows = [
        [
            one["name"],
            "equal bytes" if one["exact"] else "label, 1e-4",
            f"{one['equal']} of {one['films']}",
            f"{one['labels']} ({one['clear_labels']})",
            str(one["votes"]),
            f"{one['probabilities']:.1e}" if one["probabilities"] else "0",
            "yes" if Comparison(**one).kept() else "no",
        ]
        for one in record["comparisons"]
    ]
    header = (
        "compared", "promised", "equal bytes", f"other label (margin above {MARGIN})",
        "most votes apart", "probabilities apart, at most", "kept",
    )  # fmt: skip
    first = record["comparisons"][0]
    said = "phantoms" if record["films"] == "phantoms" else "films"
    line = f"{first['films']} {said}, {first['answered']} with a label; model {record['model']}."
    return [*table(header, rows), "", line]


def filled(page: str, record: Mapping[str, Any]) -> str:
    """Fill the table of a page.

    Args:
        page: Markdown with the marks of the table.
        record: of `determinism.json`.

    Returns:
        The page with the table.

    Raises:
        ValueError: the page has no such marks, or several.
    """
    return fill_tables(page, {"determinism": determinism_table(record)}, "determinism")


def measure(options: Options, model: Path) -> dict[str, Any]:
    """Ask in all ways and write `determinism.json`.

    Args:
        options: the arguments.
        model: version folder.

    Returns:
        The record.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = options.folder or Path(place)
        if options.folder is None:
            draw(folder, options.films)
        found = comparisons(
            lambda way, threads: process(model, folder, way, threads), options.threads
        )
    facts = {
        "films": "given" if options.folder else "phantoms",
        "threads": options.threads,
        "comparisons": [asdict(one) for one in found],
    }
    return keep_record(options.out / RECORD, "tools.promises.determinism", model, facts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 every promise is kept, 1 one is not, 2 wrong usage.
    """
    options = tyro.cli(Options, prog="python -m tools.promises.determinism", args=arguments)
    if options.films < 1 or options.threads < 2:
        Reporter().error("--films must be at least 1, --threads at least 2")
        return 2
    try:
        measured = partial(measure, options, version_folder(options.model)) if options.run else None
        record = record_and_page(options.out / RECORD, measured, options.page, filled)
    except (OSError, ValueError) as error:
        Reporter().error(str(error))
        return 2
    print("\n".join(determinism_table(record)))
    return int(not all(Comparison(**one).kept() for one in record["comparisons"]))


if __name__ == "__main__":
    sys.exit(main())
