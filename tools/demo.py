"""The main job on generated phantoms: train both networks, export one model, score new films.

Run it by `bash tools/demo.sh [OUT]`. The networks are small and see phantoms alone: the demo shows
that every step works, not how good the method is.
"""

import argparse
import csv
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

FILMS, UNSEEN, SEED = 96, 24, 0


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
        print(f"demo: this step failed with status {status}; see above", file=sys.stderr)
        raise SystemExit(status)
    print(f"   {time.monotonic() - begun:.0f} s", flush=True)


def main() -> None:
    """Run the whole demo."""
    parser = argparse.ArgumentParser(prog="bash tools/demo.sh", description=__doc__)
    parser.add_argument("out", nargs="?", default="demo", help="folder for everything it makes")
    out = Path(parser.parse_args().out)
    if out.exists() and any(out.iterdir()):
        parser.error(f"{out} is not empty; name another folder or remove it")
    begun = time.monotonic()
    data, films = str(out / "data"), str(out / "films")
    seg, cls, model = (str(out / name) for name in ("segmentation", "classification", "model"))
    seed = ["--seed", str(SEED)]
    run("phantoms to learn from", "tools.phantoms", data, "--films", str(FILMS), *seed)
    run(
        "phantoms to score: PNG, JPEG and DICOM", "tools.phantoms", films,
        "--films", str(UNSEEN), "--seed", str(SEED + 1), "--layout", "inputs",
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
    scores = out / "scores"
    run("score", "cxr_tf.score", "--model", model, "--out", str(scores), "--overlays", films)
    with (scores / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    print(f"\n== done in {time.monotonic() - begun:.0f} s (PHANTOM films and PHANTOM model)")
    counts = Counter(row["label"] or row["status"] for row in rows)
    print("   " + ", ".join(f"{count} {name}" for name, count in counts.most_common()))
    for what, path in {
        "decisions": scores / "scores.csv",
        "masks and saliency": scores / "overlays",
        "run record": scores / "run.json",
        "figures on the test split": out / "evaluation",
        "model for TensorFlow Serving": Path(model),
        "TensorBoard": f"tensorboard --logdir {out}",
    }.items():
        print(f"   {what}: {path}")


if __name__ == "__main__":
    main()
