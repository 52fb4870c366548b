"""Films that were refused as no frontal chest films: by what, and in which of the inputs."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from cxr_tf.runtime.progress import Reporter
from pipelines.dicom.refusals import refusing_attribute
from pipelines.status import NOT_CHEST_FILM

#: Which the model's gate refused; the others are refused by an attribute of their DICOM header.
_GATE = ""
#: Stands for all films that were named one by one.
_ALONE = "films named alone"


@dataclass
class Refusals:
    """Counts of one run.

    Attributes:
        films: by input as it was named, the films that got a row.
        refused: by input, how many were refused by each attribute of a header, or by the gate.
    """

    films: Counter[str] = field(default_factory=Counter)
    refused: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, source: str, record: Mapping[str, object]) -> None:
        """Count one film.

        Args:
            source: the input that it belongs to, as it was named.
            record: its row.
        """
        self.films[source] += 1
        if record["status"] == NOT_CHEST_FILM:
            self.refused[source][refusing_attribute(str(record["error"]))] += 1

    def by_header(self) -> dict[str, int]:
        """Count the films that their DICOM headers refused, by attribute."""
        found = sum(self.refused.values(), Counter[str]())
        del found[_GATE]
        return dict(sorted(found.items()))

    def tell(self, reporter: Reporter) -> None:
        """Warn of every input of which most films were refused, and say how to have them read.

        Args:
            reporter: told of it.
        """
        films, refused = Counter[str](), defaultdict[str, Counter[str]](Counter)
        for source, count in self.films.items():
            pool = source if count > 1 else _ALONE
            films[pool] += count
            refused[pool].update(self.refused[source])
        for source, counts in refused.items():
            if 2 * counts.total() > films[source]:
                _warn(reporter, source, counts, films[source])


def _warn(reporter: Reporter, source: str, counts: Counter[str], films: int) -> None:
    """Warn of one input, most of which was refused."""
    reasons = [f"{count} by {name or 'the gate'}" for name, count in sorted(counts.items())]
    remedies = []
    if counts.total() > counts[_GATE]:
        remedies.append("--no-header-check reads films whatever their DICOM header names")
    if counts[_GATE]:
        remedies.append("--no-gate answers whatever a film looks like")
    reporter.warn(
        f"{source or 'the inputs'}: {counts.total()} of {films} films have no answer, refused as "
        f"no frontal chest films ({', '.join(reasons)}). If they are: {'; '.join(remedies)}",
        event="refused",
        refused=counts.total(),
        films=films,
    )
