"""Tools of the project: demonstration, tests, phantoms, makers of reference files."""
