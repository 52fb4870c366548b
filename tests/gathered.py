"""The films that names stand for, gathered at once."""

from types import SimpleNamespace

from cxr_tf.films.inputs import films_named


def gather(named, is_film, **options):
    """The inputs in order, and the files that were passed over."""
    skipped = []
    inputs = tuple(films_named(named, is_film, skip=skipped.append, **options))
    return SimpleNamespace(inputs=inputs, skipped=tuple(skipped))
