"""Biomarkers of films, their statistics, and the paper's tables and figures made of them."""
