"""Damaged and hostile files for the readers: seeds, mutations, bombs, and what tries them."""
