"""Tables of features and of decisions whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from cxr_tf.method.reliability.feature_names import FEATURES
from tools.reliability import measures
from tools.reliability.collect import COLUMNS


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(measures, "SAMPLES", 20)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Features of films and of non-films far from them; masks whose quality their doubt tells."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("tables")
    rows = []
    splits = ("train", "validation", "test")
    uses = (("film", splits), ("turned_180", splits),
            ("hand", ("fit",)), ("skull", ("report",)), ("blurred", ("train",)))  # fmt: skip
    for kind, parts in uses:
        for use in parts:
            for index in range(100):
                real = kind in ("film", "blurred")
                values = dict(zip(FEATURES, rng.normal(0 if real else 1.5, 0.3, len(FEATURES)),
                                  strict=True))  # fmt: skip
                values["doubt"] = rng.uniform(0, 2)
                jaccard = 1 / (1 + np.exp(2 * values["doubt"] - 3)) if real else ""
                own = "crossdb" if index % 2 else use
                source = "montgomery" if index % 2 else "jsrt"
                rows.append((f"{kind}{index}", kind, use, own, source, "normal", str(index), "ok",
                             0.3, jaccard, *values.values()))  # fmt: skip
    films = folder / "films.csv"
    pd.DataFrame(rows, columns=[*COLUMNS, *FEATURES]).to_csv(films, index=False)
    # The network says 0.9 and is right in 70 of 100 films.
    decisions = pd.DataFrame({
        "path": [f"f{i}" for i in range(200)], "status": "ok", "label": "ill",
        "votes_normal": 10, "votes_ill": 90, "p_normal": 0.1, "p_ill": 0.9, "agreement": 0.9,
        "model_version": "m1", "truth": ["ill"] * 140 + ["normal"] * 60, "source": "cohen",
        "patient_id": [str(i) for i in range(200)],
    })  # fmt: skip
    decisions.to_csv(folder / "predictions.csv", index=False)
    return films, folder / "predictions.csv"
