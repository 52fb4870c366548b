"""Scripts that make the small reference arrays of `tests/golden` from other libraries."""
