"""What is known of a model beside its weights: the card that an export writes next to them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from cxr_tf.method.reliability.parameters import Reliability
from cxr_tf.method.triage_options import DecisionOptions, PreparationOptions, TriageOptions
from cxr_tf.method.vote_options import DENSE, VoteOptions
from cxr_tf.models.names import Precision
from cxr_tf.runtime.errors import UsageError
from cxr_tf.runtime.typed_json import read_typed
from pipelines.classes import parse_classes


@dataclass(frozen=True)
class DataFacts:
    """What a network was trained on.

    Attributes:
        fingerprint: of the manifest.
        films: in the manifest.
        phantom: whether some of them are generated.
    """

    fingerprint: str
    films: int
    phantom: bool


@dataclass(frozen=True)
class NetworkFacts:
    """One network of a model.

    Attributes:
        network: its name.
        weights_sha256: of the file of its weights.
        data: what it was trained on.
        preset: of its training.
        size: side of its input in pixels.
    """

    network: str
    weights_sha256: str
    data: DataFacts
    preset: str
    size: int


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The facts of one model. Those with a default are known once it is exported.

    Attributes:
        name: of the model, that of its folder.
        version: number of its version, that of its folder.
        classes: names in order; none for a model that only segments.
        model_version: names weights and options.
        class_map: which manifest classes each class holds, as `parse_classes` reads it.
        phantom: whether it learnt from generated films: it says nothing of patients then.
        options: how films are prepared.
        mantissa_bits: binary digits that kernels were rounded to.
        precision: what the networks compute in.
        networks: `segmentation`, and `classification` where there are classes.
        reliability: what was fitted of the model, None for nothing.
        signatures: names of what it can be asked.
        created: when it was exported.
        software: versions of the packages that it was exported with.
        use: what it is for.
        decision: how it decides; cards from before there was a choice hold less of it, or nothing.
        finds_collages: whether its graph refuses pictures of several films; Python looks for them
            where it does not.
        class_offsets: numbers that were added to the last bias, one a class, which its weights
            hold; none where nothing was added, and the card does not hold it then.
        order: of the fields on disk where the card was read, so that it is written as it was: a
            model that was exported again by a later version has them in another order.
    """

    name: str = ""
    version: int = 0
    classes: tuple[str, ...]
    model_version: str
    class_map: str
    phantom: bool
    options: PreparationOptions
    mantissa_bits: int
    precision: Precision
    networks: Mapping[str, NetworkFacts]
    reliability: Reliability | None
    signatures: tuple[str, ...] = ()
    created: str = ""
    software: Mapping[str, str] = field(default_factory=dict)
    use: str = ""
    decision: DecisionOptions = DecisionOptions()
    finds_collages: bool = False
    class_offsets: tuple[float, ...] = ()
    order: tuple[str, ...] = field(default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: networks or class map are not those of a model of these classes, or it
                shall vote densely and did not learn to.
        """
        wanted = ["segmentation", "classification"] if self.classes else ["segmentation"]
        if sorted(self.networks) != sorted(wanted):
            raise ValueError(f"networks are {[*self.networks]}, not {wanted}")
        if self.classes and parse_classes(self.class_map).names != self.classes:
            raise ValueError(f"class_map is {self.class_map!r}, classes are {self.classes}")
        self._check_vote(self.decision)

    @property
    def triage_options(self) -> TriageOptions:
        """What the graph takes of the card."""
        options = asdict(self.options) | asdict(self.decision)
        return TriageOptions(**options, classes=self.classes, version=self.model_version)

    def asked_with(self, vote: VoteOptions) -> DecisionOptions:
        """Give what holds for a request; see `DecisionOptions.asked_with`.

        Args:
            vote: how a film is put to the vote.

        Raises:
            UsageError: the model cannot be asked so.
        """
        decision = self.decision.asked_with(vote)
        self._check_vote(decision)
        return decision

    def _check_vote(self, decision: DecisionOptions) -> None:
        """Refuse the dense vote of a network that did not learn it."""
        if decision.vote == DENSE and self.options.approach != DENSE:
            raise UsageError(
                f"this model was not trained for the dense vote (its approach is "
                f"{self.options.approach}), and its answers would be worse than by patches: train "
                "with --approach dense, or leave out --vote dense"
            )

    def record(self) -> dict[str, Any]:
        """Give the fields as JSON holds them, in their order."""
        values = asdict(self)
        for name, usual in _LATER_OPTIONS.items():
            if values["options"][name] == usual:
                del values["options"][name]
        names = self.order or tuple(name for name in _NAMES if name != "class_offsets")
        later = (name for name, usual in _LATER.items() if getattr(self, name) != usual)
        return {name: values[name] for name in (*names, *(x for x in later if x not in names))}

    @classmethod
    def from_record(cls, record: Any) -> "ModelCard":
        """Take the card from JSON.

        Args:
            record: as `record` gives it; what it holds beside the fields is passed over.

        Raises:
            ValueError: a field is missing, of another type, or makes no sense; the message says
                which.
        """
        if not isinstance(record, Mapping):
            raise ValueError("it is no JSON object")
        order = [name for name in record if name in _NAMES]
        known = {"decision": {}, "finds_collages": False, "class_offsets": [], **record}
        if isinstance(known["decision"], Mapping):
            known["decision"] = asdict(DecisionOptions()) | dict(known["decision"])
        if isinstance(known.get("options"), Mapping):  # what came after the first models
            known["options"] = {**_LATER_OPTIONS, **known["options"]}
        return read_typed(cls, {**known, "order": order})


#: The fields that JSON holds.
_NAMES = tuple(each.name for each in fields(ModelCard) if each.name != "order")
#: Those that cards from before they were made do not hold, as they were then.
_LATER = {"decision": DecisionOptions(), "finds_collages": False, "class_offsets": ()}
#: The same of `options`.
_LATER_OPTIONS = {
    name: getattr(PreparationOptions, name) for name in ("film_size", "field_of_view")
}
