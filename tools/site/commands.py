"""The reference of the command lines, written from what their own parsers print for `--help`."""

import contextlib
import dataclasses
import importlib
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path

from cxr_tf.runtime.markdown import markdown_table

#: Columns of the terminal: so many that no line of help is wrapped, and fewer than tyro needs to
#: set the boxes of a long help side by side, out of their order.
_UNWRAPPED, _ONE_BOX = "4000", "129"
_SIDE_BY_SIDE = re.compile(r"╮ *╭")
_ENTRY = re.compile(r"^ {1,2}(?=\S)")
_DEFAULT = re.compile(r"\s*\((?:default: (?P<value>.*?)|(?P<other>required|repeatable))\)$", re.S)


@dataclasses.dataclass
class Option:
    """An option or argument as its parser describes it.

    Attributes:
        name: as it is typed, such as `--patches INT`.
        text: what it does.
        default: its value where it is not given; `required` and `repeatable` stand as such.
    """

    name: str
    text: str = ""
    default: str = ""


@dataclasses.dataclass
class Help:
    """What a parser says.

    Attributes:
        usage: the line of usage.
        description: paragraphs.
        options: in the parser's order.
        example: a command that does something useful.
    """

    usage: str
    description: str
    options: list[Option]
    example: str


def commands(root: Path) -> list[str]:
    """List the modules that a user runs by `python -m`: those that parse arguments.

    Args:
        root: the repository.

    Returns:
        Names such as `cxr_tf.score`, sorted.
    """
    names = [
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__main__")
        for package in ("cxr_tf", "pipelines")
        for path in (root / package).rglob("*.py")
        for text in [path.read_text(encoding="utf-8")]
        if '__name__ == "__main__"' in text
        and re.search(r"import argparse\b|read_command_line", text)
    ]
    return sorted(names)


def print_help(module: str, *arguments: str) -> str:
    """Ask a command for its help.

    Args:
        module: such as `cxr_tf.score`.
        *arguments: what stands before `--help`, such as a task.

    Returns:
        What it prints, without colours, one box below the other.

    Raises:
        RuntimeError: it did not end with status 0.
    """
    name = f"{module}.__main__" if (_folder(module) / "__main__.py").is_file() else module
    text = _printed(name, arguments, _UNWRAPPED)
    return _printed(name, arguments, _ONE_BOX) if _SIDE_BY_SIDE.search(text) else text


def _printed(name: str, arguments: Sequence[str], width: str) -> str:
    """Print the help of a module on a terminal of so many columns."""
    # tyro draws its boxes, which are parsed here, where the output's encoding has them.
    columns, out = os.environ.get("COLUMNS"), io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    os.environ["COLUMNS"] = width
    status: object = "none"
    try:
        with contextlib.redirect_stdout(out):
            importlib.import_module(name).main([*arguments, "--help"])
    except SystemExit as end:
        status = end.code
    finally:
        os.environ.pop("COLUMNS")
        if columns is not None:
            os.environ["COLUMNS"] = columns
    if status not in (None, 0):
        raise RuntimeError(f"python -m {name} --help ended with {status}: mend its parser")
    out.seek(0)
    return re.sub(r"\x1b\[[0-9;]*m", "", out.read())


def _folder(module: str) -> Path:
    return Path(__file__).parents[2].joinpath(*module.split("."))


def parse_help(text: str) -> Help:
    """Read a help text of argparse or tyro.

    Args:
        text: from `print_help`.

    Returns:
        Its parts; `-h` and the list of subcommands are left out.
    """
    lines = [line.removeprefix("│").removesuffix("│").rstrip() for line in text.splitlines()]
    usage = lines[0].removeprefix("usage: ")
    described: list[str] = []
    options: list[Option] = []
    section = example = ""
    for line in lines[1:]:
        if heading := re.match(r"╭─ (.+?) ─|(positional arguments|options|example):$", line):
            section = heading[1] or heading[2]
        elif section == "example":
            example = example or line.strip()
        elif not section:
            described.append(line)
        elif section == "subcommands" or not line or line.startswith("╰"):
            continue
        elif _ENTRY.match(line):
            name, _, rest = line.strip().partition("  ")
            options.append(Option(name.strip(), rest.strip()))
        elif options:
            options[-1].text = f"{options[-1].text} {line.strip()}".strip()
    for option in options:
        if found := _DEFAULT.search(option.text):
            option.text = option.text[: found.start()]
            # tyro breaks a list behind a comma.
            option.default = found["other"] or (found["value"] or "").strip().replace(", ", ",")
    listed = [option for option in options if not option.name.startswith("-h,")]
    return Help(usage, "\n".join(described).strip(), listed, example)


def tasks(usage: str) -> list[str]:
    """List the subcommands that a line of usage offers.

    Args:
        usage: such as `python -m cxr_tf.evaluate [-h] {segmentation,classification}`.

    Returns:
        Their names; none where the command has no subcommands.
    """
    found = re.match(r"python -m \S+(?: \[-h\])? \{?([a-z]+(?:[,|][a-z]+)+)\}?", usage)
    return re.split("[,|]", found[1]) if found else []


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


def _named(option: Option) -> tuple[str, str]:
    """Write what is typed and what it does, with the values to choose from behind."""
    name = option.name.replace("{None}|", "")
    choices = re.search(r" \{([^}]+)\}$", name)
    text = _cell(option.text)
    if choices:
        name = name[: choices.start()]
        values = ", ".join(f"`{value}`" for value in choices[1].split(","))
        text = f"{text.rstrip('.')}: {values}" if text else values
    return ", ".join(_code(part) for part in name.split(", ")), text


def table(helps: Sequence[tuple[str, Help]]) -> str:
    """Write the options of a command as a Markdown table.

    Args:
        helps: heading of a column of defaults, and the help it stands in; one or several of the
            same options.

    Returns:
        Markdown.
    """
    lines = []
    for rows in zip(*(each.options for _, each in helps), strict=True):
        defaults = [
            row.default if row.default in ("required", "repeatable") else _code(row.default)
            for row in rows
        ]
        name, text = _named(rows[0])
        lines.append((name, *defaults, text))
    header = ("option", *(heading for heading, _ in helps), "meaning")
    return "\n".join(markdown_table(header, lines, escape=""))


def page(module: str) -> str:
    """Write the page of a command.

    Args:
        module: such as `cxr_tf.score`.

    Returns:
        Markdown.
    """
    whole = parse_help(print_help(module))
    parts = [f"# python -m {module}"]
    for task in tasks(whole.usage) or [""]:
        words = [task] if task else []
        first = parse_help(print_help(module, *words))
        helps = [("default", first)]
        if any(option.name.startswith("--preset ") for option in first.options):
            helps = [
                (preset, parse_help(print_help(module, *words, "--preset", preset)))
                for preset in ("improved", "paper", "demo")
            ]
        parts += [f"## {task}"] if task else []
        text = first.description
        if len(helps) > 1:
            text = text.replace("Values shown are those of the improved preset.", "").strip()
            text += "\n\nDefaults by `--preset`; `improved` holds where none is named."
        parts += [f"    {first.usage}", text, table(helps)]
        parts += [f"For example:\n\n    {first.example}"] if first.example else []
    return "\n\n".join(parts) + "\n"
