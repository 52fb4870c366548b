"""The bench's table, as Markdown and JSON."""

import dataclasses
import importlib.metadata
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cxr_tf.runtime.markdown import markdown_table
from cxr_tf.runtime.provenance import machine, project_version, revision
from tools.bench.contenders import (
    AUTHORS,
    AUTHORS_ALL,
    OPENCV,
    OPENVINO,
    OURS,
    PATCHES_ALONE,
    PYTORCH,
    Work,
)
from tools.bench.processor import features
from tools.bench.timing import Timing

#: What is wanted of the ratio, and below which a row fails: by work and contender.
TARGETS = {
    ("segmentation", PYTORCH): (1.4, 1.1),
    ("segmentation", OPENVINO): (0.95, 0.85),
    ("patches", PYTORCH): (1.2, None),
    ("patches", OPENVINO): (0.95, 0.85),
    ("film", PYTORCH): (1.3, 1.1),
    ("maps", PYTORCH): (1.3, 1.1),
    ("maps", AUTHORS): (10.0, 5.0),
    ("maps", AUTHORS_ALL): (30.0, 5.0),
    ("dense", PATCHES_ALONE): (4.0, 3.0),
    ("dense_small", PATCHES_ALONE): (4.0, 3.0),
    ("training_segmentation", PYTORCH): (1.2, None),
    ("training_classification", PYTORCH): (1.0, None),
    ("reading", OPENCV): (0.8, None),
}
FLOOR_TARGET = 0.75
PACKAGES = ("tensorflow", "keras", "numpy", "torch", "openvino", "onnxruntime")


@dataclasses.dataclass(frozen=True)
class Result:
    """A piece of work with its timings.

    Attributes:
        work: what was done.
        timings: by contender, ours among them.
    """

    work: Work
    timings: dict[str, Timing]


def record(results: Sequence[Result], rounds: int, threads: int, rate: float) -> dict[str, Any]:
    """Put results into a form that JSON holds.

    Args:
        results: of the bench.
        rounds: timed rounds.
        threads: threads of each contender.
        rate: operations a second of a large matrix product.
    """
    rows = []
    for result in results:
        ours = result.timings[OURS]
        floor = result.work.operations / rate  # 0 where they were not counted
        row: dict[str, Any] = {
            "work": result.work.kind,
            "name": result.work.name,
            "largest_difference": _number(result.work.difference),
            "operations": result.work.operations,
            "floor_seconds": floor,
            "floor_ratio": floor / ours.median,
            "remark": result.work.remark(),
            "contenders": {},
        }
        for name, timing in result.timings.items():
            target, limit = TARGETS.get((result.work.kind, name), (None, None))
            row["contenders"][name] = {
                "median_seconds": timing.median,
                "ratio": ours.ratio(timing),
                "target": target,
                "limit": limit,
                "seconds": list(timing.seconds),
            }
        rows.append(row)
    return {
        "revision": revision(),
        "cxr_tf": project_version(),
        "machine": machine() | {"features": features()},
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "rounds": rounds,
        "threads": threads,
        "matrix_product_gflops": rate / 1e9,
        "rows": rows,
    }


def _number(value: float) -> float | None:
    return None if value != value else value


def table(found: dict[str, Any]) -> str:
    """Write the record as a Markdown table.

    Args:
        found: from `record`.
    """
    machine, versions = found["machine"], found["versions"]
    lines = [
        f"cxr-tf {found['cxr_tf']}, revision {found['revision']}; {machine['processor']} with "
        f"{', '.join(machine['features'])}; {found['threads']} threads; medians of "
        f"{found['rounds']} rounds, in which the contenders took turns.",
        ", ".join(f"{name} {version}" for name, version in versions.items())
        + f". A large matrix product runs at {found['matrix_product_gflops']:.0f} GFLOP/s.",
        "",
    ]
    rows = []
    for row in found["rows"]:
        for name, facts in row["contenders"].items():
            ratio = "" if name == OURS else f"{facts['ratio']:.2f}"
            bounds = (facts["target"] or "", facts["limit"] or "")
            rows.append((row["name"], name, shown_seconds(facts["median_seconds"]), ratio, *bounds))
        if row["floor_seconds"]:
            floor, ratio = shown_seconds(row["floor_seconds"]), f"{row['floor_ratio']:.2f}"
            contender = f"floor: {row['operations'] / 1e9:.1f} GFLOP"
            rows.append((row["name"], contender, floor, ratio, FLOOR_TARGET, ""))
    header = ("work", "contender", "median", "ratio to cxr-tf", "target", "limit")
    lines += [
        *markdown_table(header, rows),
        "",
        "A ratio above 1 says that cxr-tf is faster. Largest difference of a probability between "
        "cxr-tf and the others: "
        + ", ".join(
            f"{row['work']} {row['largest_difference']:.1e}"
            for row in found["rows"]
            if row["largest_difference"] is not None
        )
        + ".",
        "",
        *(f"{row['remark']}.\n" for row in found["rows"] if row["remark"]),
    ]
    return "\n".join(lines)


def shown_seconds(value: float) -> str:
    """Write a time as the table has it.

    Args:
        value: in seconds.
    """
    return f"{value:.2f} s" if value >= 1 else f"{1000 * value:.0f} ms"


def below_limits(found: dict[str, Any]) -> list[str]:
    """Name the rows whose ratio lies below its limit.

    Args:
        found: from `record`.
    """
    return [
        f"{row['name']}: {facts['ratio']:.2f} x {name}, the limit is {facts['limit']}"
        for row in found["rows"]
        for name, facts in row["contenders"].items()
        if facts["limit"] and facts["ratio"] < facts["limit"]
    ]


def write(found: dict[str, Any], out: Path) -> None:
    """Write bench.json and bench.md.

    Args:
        found: from `record`.
        out: the folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "bench.json").write_text(json.dumps(found, indent=1) + "\n")
    (out / "bench.md").write_text(table(found))
