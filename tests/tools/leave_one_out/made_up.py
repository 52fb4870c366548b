"""Decisions of folds that were never trained."""

import pandas as pd

CLASSES = ("normal", "tuberculosis")


def decision(path, source, truth, label, p=0.9, kind="left_out", fold=None, patient=None):
    """A row of decisions.csv; `p` is the mean probability of tuberculosis, '' no decision."""
    status = "ok" if label else "no_lung"
    return {
        "fold": fold or source, "kind": kind, "path": path, "patient": patient or path,
        "source": source, "class": truth, "truth": truth, "status": status, "label": label,
        "p_normal": str(1 - p) if label else "0", "p_tuberculosis": str(p) if label else "0",
    }  # fmt: skip


def table(*rows):
    return pd.DataFrame(rows)
