"""The equalisation table of a film, which the pipelines never need apart from the film."""

from pipelines.normalise import NO_PADDING, histogram, table_from_histogram


def equalisation_table(pixels, padding=NO_PADDING):
    """Float64 [65536] in 0..255, before gamma (step 2 of section II-A)."""
    return table_from_histogram(histogram(pixels, padding))
