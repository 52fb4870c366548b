"""Hooks of `mkdocs build`: repository files, command lines and modules become pages."""

import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # `mkdocs` alone does not look into the folder it is called in
    sys.path.insert(0, str(ROOT))

from tools.site import commands, modules  # noqa: E402
from tools.site.repository import (  # noqa: E402
    PREFIX,
    linked_files,
    site_address,
    with_site_links,
)

COMMANDS, MODULES = "reference/commands", "reference/python"


def _docs(config: MkDocsConfig) -> Path:
    return Path(config.docs_dir).resolve()


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Enter the generated pages into the navigation.

    Args:
        config: of the site, changed in place.

    Returns:
        The same.
    """
    packages: dict[str, list[Any]] = {package: [] for package in modules.PACKAGES}
    for name in modules.modules(ROOT):
        packages[name.split(".")[0]].append({name: f"{MODULES}/{name}.md"})
    generated = [
        {"Commands": [{name: f"{COMMANDS}/{name}.md"} for name in commands.commands(ROOT)]},
        {"Python": [{package: pages} for package, pages in packages.items()]},
    ]
    for entry in config.nav or []:
        if isinstance(entry, dict) and "Reference" in entry:
            entry["Reference"] = [*entry["Reference"], *generated]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, and the files of the repository that pages link to.

    Args:
        files: of the site, changed in place.
        config: of the site.

    Returns:
        The same.
    """
    docs = _docs(config)
    pages = [Path(str(file.abs_src_path)) for file in files.documentation_pages()]
    named = _named(config.nav)
    pages += [ROOT / name.removeprefix(PREFIX) for name in named]
    for address, path in linked_files(pages, ROOT, docs).items():
        file = File.generated(config, address, abs_src_path=str(path))
        if address not in named:
            file.inclusion = InclusionLevel.NOT_IN_NAV
        files.append(file)
    for name in commands.commands(ROOT):
        content = commands.page(name)
        files.append(File.generated(config, f"{COMMANDS}/{name}.md", content=content))
    for name in modules.modules(ROOT):
        files.append(File.generated(config, f"{MODULES}/{name}.md", content=modules.page(name)))
    return files


def _named(nav: Any) -> list[str]:
    """Pages from the repository that the navigation names."""
    if isinstance(nav, str):
        return [nav] if nav.startswith(PREFIX) else []
    items = nav.values() if isinstance(nav, dict) else nav or []
    return [name for item in items for name in _named(item)]


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to files of the repository into links of the site.

    Args:
        markdown: of the page.
        page: the page.
        config: of the site.
        files: of the site.

    Returns:
        The Markdown.
    """
    address, docs = page.file.src_uri, _docs(config)
    outside = address.startswith(PREFIX)
    source = ROOT / address.removeprefix(PREFIX) if outside else docs / address

    def name(target: Path) -> str | None:
        if not target.is_relative_to(ROOT):
            return None
        found = site_address(target, ROOT, docs)
        return found if files.get_file_from_path(found) else None

    return with_site_links(markdown, source, address, name)
