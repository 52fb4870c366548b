"""Shows what a node stands: `python -m tools.node --page docs/howto/hospital.md`.

Phantoms are sent to a node in a process of its own: some to each model, for its seconds and memory;
then many in one burst, and while the node is killed again and again. `node.json` holds what came of
it; the page's table is made of that file, between `<!-- table node -->` and its end.
"""

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import tyro

from cxr_tf.method.vote_options import DENSE
from cxr_tf.runtime.progress import Reporter
from cxr_tf.saved.model_folders import read_card, version_folder
from tools.node.bench import OBJECTS, Load, burst, kills, score_memory
from tools.node.other_side import write_films
from tools.pages.marked_tables import fill_tables
from tools.pages.recorded import keep_record, record_and_page
from tools.paper.rows import OPEN, table

RECORD = "node.json"
Part = Literal["turns", "burst", "kills"]
PARTS: tuple[Part, ...] = ("turns", "burst", "kills")
#: Of the goals: seconds until a burst is acknowledged, MiB above what `score` takes, seconds from
#: a film's turn to its answer by the dense vote.
ACKNOWLEDGED, ABOVE_SCORE, TURN = 60.0, 200, 3.0


@dataclass(frozen=True)
class Options:
    """Send a burst of phantoms to a node, then kill it again and again, and record what came."""

    models: tuple[Path, ...] = (Path("saved_models/cxr_triage"),)
    """of which seconds and memory are measured, by the dense vote where they have learned it"""
    turns: int = 20
    """phantoms for each of them"""
    model: Path = Path("saved_models/cxr_triage")
    """for the burst and the kills, where smaller networks show the same in less time"""
    out: Path = Path("results/reliability")
    """folder of node.json"""
    films: int = 200
    """phantoms in the burst"""
    size: int = 1024
    """their height and width in pixels"""
    senders: int = 4
    """associations that send them at once"""
    killed_films: int = 60
    """phantoms that are sent while the node is killed"""
    kills: int = 20
    """how often it is killed"""
    parts: tuple[Part, ...] = PARTS
    """measure these alone; the others stay as the node.json that is there has them"""
    page: Path | None = None
    """docs/howto/hospital.md, to fill its table"""
    run: bool = True
    """--no-run: fill the page from the node.json that is there"""


def node_table(record: Mapping[str, Any]) -> list[str]:
    """Write the table of docs/howto/hospital.md.

    Args:
        record: of `node.json`; an empty one leaves the table open.
    """
    if not record:
        return [OPEN]
    one, other = record["burst"], record["kills"]
    rows = [
        [f"{one['films']} films in one burst",
         f"acknowledged: {one['acknowledged']} within {one['seconds_until_acknowledged']} s; "
         f"answered and sent: {one['answered']} within {one['seconds_until_sent']} s; "
         f"objects sent: {one['objects']}, different ones: {one['different_objects']}"],
        [f"{other['kills']} kills, {other['films']} films",
         f"lost: {other['lost']}; other results than before a kill: {other['doubled']}; "
         f"the same object sent again: {other['objects_sent_again']}"],
    ]  # fmt: skip
    for each in record["turns"]:
        seconds = each["seconds_a_film"]
        rows.append(
            [f"`{each['name']}`, vote: {each['vote']}",
             f"from turn to answer: median {seconds['median']} s, at most {seconds['longest']} s, "
             f"the first {seconds['first']} s; memory: {each['memory_mib']} MiB, of `score` "
             f"{each['score_memory_mib']} MiB"]
        )  # fmt: skip
    return table(("what", "measured"), rows)


def filled(page: str, record: Mapping[str, Any]) -> str:
    """Fill the table of a page.

    Args:
        page: Markdown with the marks of the table.
        record: of `node.json`.

    Returns:
        The page with the table.

    Raises:
        ValueError: the page has no such marks, or several.
    """
    return fill_tables(page, {"node": node_table(record)}, "node")


def _turns(options: Options, model: Path, films: list[Path], place: Path) -> dict[str, Any]:
    """Measure seconds and memory of one model."""
    card = read_card(model)
    dense = card.options.approach == DENSE
    some = films[: options.turns]
    load = Load(place / model.parent.name, model.absolute(), some, options.senders, DENSE * dense)
    load.place.mkdir()
    return {
        "name": card.name,
        "model": card.model_version,
        "networks": [each.network for each in card.networks.values()],
        "vote": "dense" if dense else card.decision.vote,
        **burst(load),
        "score_memory_mib": score_memory(load, load.place / "scores"),
    }


def measure(options: Options, model: Path, models: Sequence[Path]) -> dict[str, Any]:
    """Measure, and write `node.json`.

    Args:
        options: the arguments.
        model: version folder, for burst and kills.
        models: version folders, for seconds and memory.

    Returns:
        The record.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        most = (
            options.films if "burst" in options.parts else max(options.turns, options.killed_films)
        )
        films = write_films(place / "films", most, options.size)
        facts: dict[str, Any] = {"size": options.size, "senders": options.senders}
        facts["networks"] = [each.network for each in read_card(model).networks.values()]
        path = options.out / RECORD
        if path.is_file():
            earlier = json.loads(path.read_text(encoding="utf-8"))
            facts |= {part: earlier[part] for part in PARTS if part in earlier}
        if "turns" in options.parts:
            facts["turns"] = [_turns(options, each, films, place) for each in models]
        if "burst" in options.parts:
            facts["burst"] = burst(Load(place, model.absolute(), films, options.senders))
        if "kills" in options.parts:
            some = Load(place, model.absolute(), films[: options.killed_films], options.senders)
            facts["kills"] = kills(some, options.kills)
    return keep_record(options.out / RECORD, "tools.node", model, facts)


def fell_short(record: Mapping[str, Any]) -> list[str]:
    """Name the goals that were missed.

    Args:
        record: of `node.json`.
    """
    one, other = record["burst"], record["kills"]
    goals = {
        "a film of the burst was not acknowledged in time": one["acknowledged"] == one["films"]
        and one["seconds_until_acknowledged"] <= ACKNOWLEDGED,
        "not every film of the burst was answered": one["answered"] == one["films"],
        "an answer came twice": one["objects"] == one["different_objects"] == OBJECTS * one["films"]
        and not other["doubled"],
        "a film was lost": not other["lost"],
    }
    for each in record["turns"]:
        goals[f"{each['name']}: more memory than score and {ABOVE_SCORE} MiB"] = (
            each["memory_mib"] <= each["score_memory_mib"] + ABOVE_SCORE
        )
        goals[f"{each['name']}: more than {TURN} s from a film's turn to its answer"] = (
            each["vote"] != DENSE or each["seconds_a_film"]["median"] <= TURN
        )
    return [missed for missed, reached in goals.items() if not reached]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the programme's name; None: those of the process.

    Returns:
        Exit status: 0 all goals were reached, 1 one was not, 2 wrong usage.
    """
    options = tyro.cli(Options, prog="python -m tools.node", args=arguments)
    if not (
        1 <= options.killed_films <= options.films
        and 2 <= options.turns <= options.films
        and min(options.senders, options.kills) >= 1
    ):
        Reporter().error("give at least one sender and kill, two --turns, and no more than --films")
        return 2
    try:
        models = [version_folder(each) for each in options.models]
        measured = partial(measure, options, version_folder(options.model), models)
        record = record_and_page(
            options.out / RECORD, measured if options.run else None, options.page, filled
        )
    except (OSError, ValueError) as error:
        Reporter().error(str(error))
        return 2
    print("\n".join(node_table(record)))
    for missed in (short := fell_short(record)):
        Reporter().error(missed)
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main())
