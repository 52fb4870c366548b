"""How the help of `train` groups the options of a run, the common ones first."""

#: Names of options by the title of their group; some are of one task alone.
GROUPS = {
    "data and output": "data out preset config segmentation classes films seed",
    "network": "network start_from imagenet fit_head agreement frozen_stages size patch_size "
    "film_size approach crops field_of_view content scaling normalise resolution_limit "
    "clean_masks dropout",
    "length and rate": "epochs batch_size learning_rate schedule warmup_steps "
    "plateau_patience plateau_gain patience steps_per_epoch validate_every validation_patches "
    "stop_after_steps",
    "loss and average": "class_weights label_smoothing weight_decay l2 l1 ema estimate_batch_norm",
    "variation": "augment augment_strength frames jpeg style_exchange",
    "source": "leave_out balance balance_sources discount_sources source_directions source_share",
    "device and speed": "strategy devices precision xla deterministic synchronised_batch_norm "
    "memory_efficient cache",
    "record": "checkpoint_minutes checkpoint_steps tensorboard images_every histograms_every "
    "profile",
}
#: Arguments for the example below the help of each task.
EXAMPLES = {
    "segmentation": "--data manifest.csv --out runs/segmentation",
    "classification": "--data manifest.csv --segmentation runs/segmentation "
    "--out runs/classification",
}
