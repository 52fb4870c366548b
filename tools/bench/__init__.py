"""Speed side by side with what else a user could run: `python -m tools.bench`."""
