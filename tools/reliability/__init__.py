"""Fits and measures how far answers can be trusted: `python -m tools.reliability`."""
