"""The features by which a segmented film is judged; importing their names loads no TensorFlow."""

#: Names in order; `cxr_tf.method.reliability.features.mask_features` says what they are.
FEATURES = (
    "lungs_uneven",
    "taper",
    "heart_share",
    "heart_low",
    "doubt",
    "entropy",
    "contrast",
)
