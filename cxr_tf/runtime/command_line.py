"""A command line made of a typed dataclass: options in named groups, and an example below the help.

tyro makes a group of every dataclass within another, and titles it after the field. The options of
a command stay one flat dataclass: here it is taken apart into groups, read, and put together again.
"""

import dataclasses
import inspect
import sys
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import tyro
from docstring_parser import parse_from_object

from cxr_tf.runtime.text import nobody_reads, print_out

T = TypeVar("T")


@dataclass(frozen=True)
class Command(Generic[T]):
    """A command, or one step of a command that has several.

    Attributes:
        kind: dataclass of its options, each with a docstring of its own.
        groups: names of options by the title of their group, separated by spaces, in the order in
            which help shows them; help writes `options` behind a title. Names that the class lacks
            are passed over; options that stand in no group come first.
        example: arguments that do something useful, for the line below the help.
    """

    kind: type[T]
    groups: Mapping[str, str]
    example: str

    def layout(self) -> dict[str, list[str]]:
        """Give the names of the options by group; those without one stand at ''."""
        known = [field.name for field in dataclasses.fields(self.kind)]  # type: ignore[arg-type]
        found = {
            title: [name for name in names.split() if name in known]
            for title, names in self.groups.items()
        }
        grouped = {name for names in found.values() for name in names}
        found = {"": [name for name in known if name not in grouped], **found}
        return {title: names for title, names in found.items() if names}


def read_command_line(
    command: Command[T] | Mapping[str, Command[Any]],
    program: str,
    arguments: Sequence[str] | None = None,
    description: str | None = None,
    default: T | None = None,
) -> T:
    """Read the options of a command.

    Args:
        command: what is read, or steps by the word that chooses one.
        program: how the command is called, such as `python -m cxr_tf.score`.
        arguments: the command line without the program's name; None for this process's own.
        description: first lines of the help; None for the docstring of the options' class.
        default: values of options that are not given; None for those of the class.

    Returns:
        The options.

    Raises:
        SystemExit: help was asked for (status 0), or the usage is wrong (status 2).
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    steps = command if isinstance(command, Mapping) else {"": command}
    nested = {name: _nested(each, default) for name, each in steps.items()}
    asked: Any = nested.get("")
    if asked is None:
        parts = [Annotated[kind, tyro.conf.subcommand(name)] for name, kind in nested.items()]
        asked = typing.Union[tuple(parts)]  # noqa: UP007  # as many as there are
    try:
        read: Any = _cli(
            asked,
            prog=program,
            args=given,
            description=description,
        )
    except SystemExit as end:
        if end.code in (None, 0) and {"-h", "--help"} & set(given):
            named = given[0] if given[0] in steps else next(iter(steps))
            print_out(
                "\nexample:\n  " + " ".join(f"{program} {named} {steps[named].example}".split())
            )
        raise
    name = next(name for name, kind in nested.items() if isinstance(read, kind))
    values: dict[str, Any] = {}
    for index, (title, names) in enumerate(steps[name].layout().items()):
        holder = getattr(read, _place(index)) if title else read
        values |= {each: getattr(holder, each) for each in names}
    options: T = steps[name].kind(**values)
    return options


def _cli(asked: Any, **options: Any) -> Any:
    """Read options by tyro; who reads its help may leave early."""
    try:
        return tyro.cli(asked, **options, config=(tyro.conf.OmitArgPrefixes,))
    except BrokenPipeError:
        nobody_reads()
        raise SystemExit(0) from None


def _place(index: int) -> str:
    """Name the field that holds a group; no option is called so."""
    return f"group_{index}"


def _nested(command: Command[Any], default: Any) -> type:
    """Take a class apart into one dataclass a group, and one that holds them."""
    kind = command.kind
    hints = typing.get_type_hints(kind, include_extras=True)
    texts = _texts(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}

    def option(name: str) -> tuple[str, Any, Any]:
        field, hint = fields[name], hints[name]
        if name in texts:
            hint = Annotated[hint, tyro.conf.arg(help=texts[name])]
        if default is not None:
            return name, hint, dataclasses.field(default=getattr(default, name))
        factory: Any = field.default_factory
        return name, hint, dataclasses.field(default=field.default, default_factory=factory)

    entries: list[tuple[str, Any, Any]] = []
    for index, (title, names) in enumerate(command.layout().items()):
        options = [option(name) for name in names]
        if not title:
            entries += options
            continue
        group = dataclasses.make_dataclass(_place(index), options, kw_only=True)
        entries.append(
            (_place(index), Annotated[group, tyro.conf.arg(name=title)], dataclasses.field())
        )
    # Without a docstring of its own, `inspect` would give that of `object`.
    about = {"__doc__": inspect.cleandoc(kind.__doc__ or "")}
    return dataclasses.make_dataclass(kind.__name__, entries, kw_only=True, namespace=about)


def _texts(kind: type) -> dict[str, str]:
    """Read what stands below each field, in a line; a class's own stands before its bases'."""
    texts: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if dataclasses.is_dataclass(base):
            for found in parse_from_object(base).params:
                texts[found.arg_name] = " ".join((found.description or "").split())
    return texts
