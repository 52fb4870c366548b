"""The reference of the Python packages: a page a module, filled by mkdocstrings from docstrings."""

from pathlib import Path

PACKAGES = ("cxr_tf", "pipelines")


def modules(root: Path) -> list[str]:
    """Public modules of the packages.

    Args:
        root: the repository.

    Returns:
        Dotted names, each package before its modules.
    """
    names = []
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            if parts[-1] == "__init__":
                parts = parts[:-1]
            if not any(part.startswith("_") for part in parts):
                names.append(".".join(parts))
    return sorted(names, key=lambda name: name.split("."))


def page(module: str) -> str:
    """Write the page of a module.

    Args:
        module: its dotted name.

    Returns:
        Markdown.
    """
    return f"# {module}\n\n::: {module}\n"
