"""What a model cannot do, as the report shows it: from its card in words, or from its facts."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from cxr_tf.method.model_card import ModelCard

#: The card in words, in the folder of all models.
CARD = "MODEL_CARD.md"
#: Its sections that are shown.
SECTIONS = ("Intended use", "Confounds and known failures")


def section_of(text: str, title: str) -> str:
    """Cut one section out of a Markdown text.

    Args:
        text: the Markdown.
        title: of a heading of the second level.

    Returns:
        What stands below it, up to the next heading of the first or second level; '' where there
        is no such heading.
    """
    lines = iter(text.splitlines())
    if not any(line.strip() == f"## {title}" for line in lines):
        return ""
    found = []
    for line in lines:
        if line.startswith(("# ", "## ")):
            break
        found.append(line)
    return "\n".join(found).strip()


def to_html(markdown: str) -> str:
    """Turn Markdown into HTML in which nothing is a link, a picture or raw markup.

    Args:
        markdown: any text.

    Returns:
        HTML that is safe to put into a page.
    """
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token

    class _Plain(RendererHTML):
        """Shows the text of a link, and no pictures."""

        def link_open(self, *_: object) -> str:
            return ""

        def link_close(self, *_: object) -> str:
            return ""

        def image(self, tokens: Sequence[Token], index: int, *_: object) -> str:
            return escape(tokens[index].content)

    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Plain)
    return str(parser.render(markdown))


def limits_of(folder: Path, card: ModelCard) -> list[tuple[str, str]]:
    """Say what a model is for and where it fails.

    Args:
        folder: its version folder.
        card: its card.

    Returns:
        Titles, each with its text as safe HTML: of `MODEL_CARD.md` where that speaks of this
        model, otherwise what the card itself can tell.
    """
    path = folder.parent.parent / CARD
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        if text.startswith((f"# {card.name},", f"# {card.name}\n")):
            parts = [(title, section_of(text, title)) for title in SECTIONS]
            if any(content for _, content in parts):
                return [(title, to_html(content)) for title, content in parts if content]
    lines = ["- How well this model decides is not known here: it has no card in words."]
    for kind, facts in sorted(card.networks.items()):
        films = facts.data.films
        lines.append(f"- {kind}: {facts.network}, trained on a data set of {films} films.")
    lines.append("- Agreement and probability are not calibrated.")
    return [("What is known of it", to_html("\n".join(lines)))]
