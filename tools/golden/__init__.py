"""Scripts that make the small references of `tests/golden`, of libraries or the shipped model."""
