"""Relative links and anchors of every Markdown file hold on GitHub; the site checks its own."""

import re
from collections import Counter
from pathlib import Path

from tools.site.repository import links, resolve

ROOT = Path(__file__).parents[1]


def pages():
    folders = ("docs", "results", "saved_models")
    return [*ROOT.glob("*.md"), *(page for name in folders for page in (ROOT / name).rglob("*.md"))]


def anchors(page):
    """Names of the headings as GitHub makes them."""
    seen, found = Counter(), set()
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for heading in re.findall(r"^#{1,6} +(.+?) *$", text, flags=re.M):
        name = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", name).replace(" ", "-")
        found.add(f"#{name}-{seen[name]}" if seen[name] else f"#{name}")
        seen[name] += 1
    return found


def test_links_lead_somewhere():
    listed = pages()
    assert {"README.md", "CONTRIBUTING.md"} <= {page.name for page in listed}
    faults, followed = [], 0
    for page in listed:
        text = page.read_text(encoding="utf-8")
        inner = [("", anchor) for anchor in re.findall(r"\]\((#[^)\s]+)\)", text)]
        for path, anchor in [*links(text), *inner]:
            target = resolve(path, page) if path else page
            followed += 1
            if not target.exists():
                faults.append(f"{page.relative_to(ROOT)}: {path} is not there")
            elif anchor and anchor not in anchors(target):
                faults.append(f"{page.relative_to(ROOT)}: {path}{anchor} is no heading")
    assert not faults, "\n".join(faults)
    assert followed > 50
