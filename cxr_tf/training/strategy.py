"""Devices: one, several, or several machines, for the same training step."""

import tensorflow as tf

from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.run_options import TrainingOptions
from cxr_tf.training.cluster import read_cluster


def make_strategy(config: TrainingOptions) -> tf.distribute.Strategy:
    """Choose the distribution strategy that a configuration asks for.

    Args:
        config: options of the run.

    Returns:
        The strategy: TensorFlow's default one for a single device.

    Raises:
        UsageError: `TF_CONFIG` cannot be used, the batch does not divide among the replicas, or
            XLA is asked for with several of them.
    """
    workers = read_cluster()
    devices = list(config.devices) or None
    kind = config.strategy
    if kind == "auto" and workers:
        # Before anything looks at devices: collectives are set up ahead of TensorFlow's context.
        kind = "multiworker"
    elif kind == "auto":
        several = len(tf.config.list_physical_devices("GPU")) > 1
        kind = "mirrored" if several or devices else "one"
    strategy: tf.distribute.Strategy
    if kind == "multiworker":
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif kind == "mirrored":
        strategy = tf.distribute.MirroredStrategy(devices)
    else:
        strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    if config.batch_size % replicas:
        raise UsageError(
            f"--batch-size {config.batch_size} does not divide among {replicas} replicas; "
            f"choose a multiple of {replicas}"
        )
    if config.xla and replicas > 1:
        raise UsageError("--xla works with one replica only; leave it out or use --strategy one")
    return strategy


def worker(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Give the number of this worker, and how many there are.

    Args:
        strategy: the strategy in use.
    """
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec().as_dict():
        return 0, 1
    cluster = resolver.cluster_spec().as_dict()
    chiefs = len(cluster.get("chief", []))
    index = resolver.task_id if resolver.task_type == "chief" else chiefs + resolver.task_id
    return index, chiefs + len(cluster.get("worker", []))
