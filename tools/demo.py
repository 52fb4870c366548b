"""The main job: score films with the shipped model; with --train, everything on phantoms.

Run it by `bash tools/demo.sh [OUT]`. Without --films it draws phantoms as PNG, JPEG and DICOM, and
scores them. With --train it trains small networks on phantoms, exports them to a model of its own
and scores unseen phantoms: it shows that every step works, not how good the method is.
"""

import argparse
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from cxr_tf.runtime.progress import Reporter
from pipelines.text_table import read_text_table

MODEL = Path(__file__).parent.parent / "saved_models" / "cxr_triage"
#: Phantoms to learn from, unseen ones, and those that the shipped model scores.
FILMS, UNSEEN, SHOWN, SEED = 96, 24, 8, 0


def run(step: str, *arguments: str) -> None:
    """Run one command of the project and show it.

    Args:
        step: what it does, for the reader.
        *arguments: module and its arguments.

    Raises:
        SystemExit: the command failed; its own status is kept.
    """
    print(f"\n== {step}\n$ python -m {' '.join(arguments)}", flush=True)
    begun = time.monotonic()
    status = subprocess.run([sys.executable, "-m", *arguments], check=False).returncode
    if status:
        Reporter().error(f"this step failed with status {status}; see above")
        raise SystemExit(status)
    print(f"   {time.monotonic() - begun:.0f} s", flush=True)


def draw_films(out: Path, count: int) -> str:
    """Draw phantoms of every format.

    Args:
        out: folder of the demo.
        count: phantoms.

    Returns:
        Their folder.
    """
    films = str(out / "films")
    run(
        "phantoms to score: PNG, JPEG and DICOM", "tools.phantoms", films,
        "--films", str(count), "--seed", str(SEED + 1), "--layout", "inputs",
    )  # fmt: skip
    return films


def train(out: Path) -> str:
    """Train both networks on phantoms, evaluate and export them.

    Args:
        out: folder of the demo.

    Returns:
        The exported model.
    """
    data = str(out / "data")
    seg, cls, model = (str(out / name) for name in ("segmentation", "classification", "model"))
    run(
        "phantoms to learn from", "tools.phantoms", data,
        "--films", str(FILMS), "--seed", str(SEED),
    )  # fmt: skip
    demo = ["--preset", "demo", "--data", data]
    run("train the segmentation", "cxr_tf.train", "segmentation", *demo, "--out", seg)
    run(
        "train the classification", "cxr_tf.train", "classification", *demo,
        "--segmentation", seg, "--out", cls,
    )  # fmt: skip
    run("export", "cxr_tf.export", "--classification", cls, "--out", model, "--no-warmup")
    run(
        "evaluate the exported model", "cxr_tf.evaluate", "classification",
        "--model", model, "--data", data, "--split", "test", "--out", str(out / "evaluation"),
    )  # fmt: skip
    return model


def main() -> None:
    """Run the whole demo."""
    parser = argparse.ArgumentParser(prog="bash tools/demo.sh", description=__doc__)
    parser.add_argument("out", nargs="?", default="demo", help="folder for everything it makes")
    parser.add_argument("--train", action="store_true", help="train on phantoms first")
    parser.add_argument("--films", nargs="+", help="films or folders to score, not phantoms")
    options = parser.parse_args()
    out = Path(options.out)
    if out.exists() and any(out.iterdir()):
        parser.error(f"{out} is not empty; name another folder or remove it")
    begun = time.monotonic()
    model = train(out) if options.train else str(MODEL)
    films = options.films or [draw_films(out, UNSEEN if options.train else SHOWN)]
    scores = out / "scores"
    asked = ("--model", model, "--out", str(scores), "--report", "--overlays")
    run("score", "cxr_tf.score", *asked, *films)
    rows = read_text_table(scores / "scores.csv").to_dict("records")
    phantoms = [*(["films"] if not options.films else []), *(["model"] if options.train else [])]
    about = f" (PHANTOM {' and PHANTOM '.join(phantoms)})" if phantoms else ""
    print(f"\n== done in {time.monotonic() - begun:.0f} s{about}")
    counts = Counter(row["label"] or row["status"] for row in rows)
    print("   " + ", ".join(f"{count} {name}" for name, count in counts.most_common()))
    places: dict[str, Path | str] = {
        "decisions": scores / "scores.csv",
        "report, for a browser": scores / "report" / "index.html",
        "masks and saliency": scores / "overlays",
        "run record": scores / "run.json",
    }
    if options.train:
        places |= {
            "figures on the test split": out / "evaluation",
            "model for TensorFlow Serving": Path(model),
            "TensorBoard": f"tensorboard --logdir {out}",
        }
    for what, path in places.items():
        print(f"   {what}: {path}")


if __name__ == "__main__":
    main()
