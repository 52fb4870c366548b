"""Measures whether promises hold: equal answers, nothing lost under faults, other loaders."""
