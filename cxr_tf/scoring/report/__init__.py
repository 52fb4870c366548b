"""The HTML report of a scoring run: a folder that opens from disk, without a server or network."""
