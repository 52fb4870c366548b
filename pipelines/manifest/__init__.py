"""The manifest: its rows, what must hold of them, their splits, and films that do not belong."""
