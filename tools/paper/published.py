"""What the paper reports: the figures that ours stand beside."""

METRICS = ("accuracy", "precision", "recall", "f1", "specificity")
MANIFEST_CLASSES = ("normal", "tuberculosis", "bacterial", "viral", "covid19")
FILMS = {"paper_list": "the paper's list", "all": "all test films"}
#: Table X in shares.
TABLE_X = {
    "global": (0.707, 0.606, 0.601, 0.593, 0.897),
    "local": (0.889, 0.834, 0.859, 0.844, 0.964),
}
#: Table XI in shares, in the order of `CLASSES`.
TABLE_XI = {"global": (0.632, 0.300, 0.545, 0.925), "local": (0.895, 0.800, 0.818, 0.925)}
THREE = ("normal", "pneumonia", "covid19")
#: Table XII: sensitivity and precision for `THREE`, in per cent.
TABLE_XII = {
    "COVID-Net": ("95, 91, 80", "91.3, 93.8, 88.9"),
    "proposed": ("90, 93, 100", "95.7, 90.3, 76.9"),
}
TABLE_XIV = {
    "masks_short_u_net": ("U-Net", (0.859, 0.823, 0.840, 0.825, 0.953)),
    "masks_short_fc_densenet67": ("FC-DenseNet67", (0.818, 0.731, 0.766, 0.743, 0.915)),
    "masks_short": ("FC-DenseNet103", TABLE_X["local"]),
}
TABLE_XV = {100: (0.943, 0.932), 50: (0.941, 0.908), 30: (0.929, 0.866), 10: (0.906, 0.851)}
TABLE_XVI = {"whole": (0.798, 0.727, 0.597, 0.607, 0.919)}
TABLE_XVII = {
    "patch112": (0.788, 0.712, 0.759, 0.723, 0.932),
    "patch224": TABLE_X["local"],
    "patch448": (0.848, 0.788, 0.801, 0.793, 0.948),
}
#: Table II: source and class of the manifest.
TABLE_II = {
    ("jsrt", "normal"): 20, ("montgomery", "normal"): 73, ("kermany", "normal"): 98,
    ("montgomery", "tuberculosis"): 57, ("kermany", "bacterial"): 21, ("cohen", "bacterial"): 33,
    ("cohen", "viral"): 20, ("cohen", "covid19"): 180,
}  # fmt: skip
#: Table III, in the order of `MANIFEST_CLASSES`.
TABLE_III = {
    "training": (134, 41, 39, 14, 126),
    "validation": (19, 5, 5, 2, 18),
    "test": (38, 11, 10, 4, 36),
    "total": (191, 57, 54, 20, 180),
}
#: Jaccard of lungs and heart (section IV-A).
JSRT = (0.955, 0.889)
