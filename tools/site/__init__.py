"""The documentation site: what `mkdocs build` makes of docs/, of the sources and of the parsers."""
