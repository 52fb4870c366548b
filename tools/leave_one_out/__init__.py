"""Leave one source out: train without a source, decide its films, and compare recipes so."""
