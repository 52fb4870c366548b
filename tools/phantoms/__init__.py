"""Labelled phantoms, drawn and written in every layout: `python -m tools.phantoms OUT`.

Drawn pictures that are no chest film (`other_parts`, `non_films`) are here too.
"""
