"""Steps of normalisation that the pipelines never need apart, on films as they are."""

import tensorflow as tf

from pipelines.full_range import FullRange, count_levels
from pipelines.normalise import NO_PADDING, equalise, histogram, table_from_histogram


def as_it_is(pixels, padding=NO_PADDING):
    """The film with its counts, and not stretched to the full range."""
    pixels = tf.convert_to_tensor(pixels)
    counts = count_levels(tf.cast(pixels, tf.int32), padding)
    return FullRange(pixels, tf.convert_to_tensor(padding, tf.int32), counts)


def counted(pixels, padding=NO_PADDING):
    """Int64 [65536], without border and padding."""
    return histogram(as_it_is(pixels, padding))


def equalised(pixels, padding=NO_PADDING):
    """Float32 [H, W] in 0..255, and whether the film is constant (steps 1 to 3 of section II-A)."""
    return equalise(as_it_is(pixels, padding))


def equalisation_table(pixels, padding=NO_PADDING):
    """Float64 [65536] in 0..255, before gamma (step 2 of section II-A)."""
    return table_from_histogram(counted(pixels, padding))
