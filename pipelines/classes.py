"""Decision classes: which class of a manifest counts as which class of the network."""

import dataclasses
import re
from collections.abc import Mapping

MANIFEST_CLASSES = (
    "normal",
    "bacterial",
    "tuberculosis",
    "viral",
    "covid19",
    "pneumonia",
    "lung_nodule",
    "unlabelled",
)
"""Classes an adapter may write; `pneumonia` is one of unknown cause (RSNA), `lung_nodule` and
`unlabelled` never take part in classification unless a class map names them."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")


@dataclasses.dataclass(frozen=True)
class ClassMap:
    """The decision classes in order, and the manifest classes each of them is made of.

    Args:
        names: Decision classes; the position of a name is its class index.
        members: Manifest class -> decision class.
        left_out: Manifest classes whose films take no part, although they have a split.

    Raises:
        ValueError: A name is malformed, used twice, without members or unknown.
    """

    names: tuple[str, ...]
    members: Mapping[str, str] = dataclasses.field(hash=False)
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.names) < 2:
            raise ValueError(f"classes {self.names}: at least two decision classes are needed")
        for name in (*self.names, *self.members, *self.left_out):
            if not _NAME.match(name):
                raise ValueError(
                    f"class {name!r}: use letters, digits, '_', '.' and '-', no leading sign"
                )
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"classes {self.names}: a name stands twice; remove one")
        if unknown := sorted(set(self.members.values()) - set(self.names)):
            raise ValueError(f"members point at {unknown}, which are not among {self.names}")
        if empty := [name for name in self.names if name not in self.members.values()]:
            raise ValueError(f"classes {empty} have no manifest class; name one, as in a=b+c")
        if both := sorted(set(self.left_out) & set(self.members)):
            raise ValueError(f"classes {both} are both used and left out; keep one")

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, manifest_class: object) -> bool:
        return manifest_class in self.members

    def index(self, manifest_class: str) -> int:
        """Give the class index of a manifest class.

        Args:
            manifest_class: A value of the manifest's `class` column.

        Returns:
            The index in 0..len(names) - 1.

        Raises:
            ValueError: No decision class contains it.
        """
        if manifest_class not in self.members:
            raise ValueError(
                f"class {manifest_class!r} belongs to no decision class of {self.spec()!r}; "
                "correct the manifest or name it in the classes"
            )
        return self.names.index(self.members[manifest_class])

    def spec(self) -> str:
        """Write the map as the text that `parse_classes` reads."""
        parts = []
        for name in self.names:
            members = [member for member, target in self.members.items() if target == name]
            parts.append(name if members == [name] else f"{name}={'+'.join(members)}")
        return ",".join([*parts, *(f"-{name}" for name in self.left_out)])


def parse_classes(spec: str) -> ClassMap:
    """Read decision classes from text such as `normal,viral=viral+covid19,-tuberculosis`.

    Args:
        spec: Comma-separated decision classes; `a` stands for `a=a`, `a=b+c` collects the
            manifest classes b and c, `-d` leaves the films of manifest class d out.

    Returns:
        The class map, in the order written.

    Raises:
        ValueError: The text breaks these rules or a manifest class stands in it twice.
    """
    names: list[str] = []
    members: dict[str, str] = {}
    left_out: list[str] = []
    for part in (text.strip() for text in spec.split(",")):
        if part.startswith("-"):
            left_out.append(part[1:].strip())
            continue
        name, equals, sources = (text.strip() for text in part.partition("="))
        for member in (text.strip() for text in sources.split("+")) if equals else (name,):
            if member in members:
                raise ValueError(f"classes {spec!r}: {member!r} stands twice; remove one")
            members[member] = name
        names.append(name)
    try:
        return ClassMap(tuple(names), members, tuple(left_out))
    except ValueError as error:
        raise ValueError(f"classes {spec!r}: {error}") from None


PAPER_CLASSES = parse_classes("normal,bacterial,tuberculosis,viral=viral+covid19")
"""The four classes of the paper (Table III): COVID-19 counts as viral pneumonia."""

COVID_NET_CLASSES = parse_classes(
    "normal,pneumonia=pneumonia+bacterial+viral,covid19,-tuberculosis"
)
"""The three classes of the comparison with COVID-Net (Table IV). RSNA tells pneumonia without a
cause; bacterial and viral films that are not COVID-19 join it, as COVID-Net's own data set
builder does with them. Tuberculosis is no class of that data set: such films are left out."""
