"""How a film is put to the vote, from the command line to the graph; no TensorFlow is loaded."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from cxr_tf.measures.rule_names import MAJORITY, RULES, Rule
from cxr_tf.runtime.errors import UsageError
from pipelines.sizes import CLASSIFICATION_SIZE, LEAST_STRIDE, MOST_PATCHES, PATCHES

#: Random patches or those on a grid, each seen by itself; or all windows of one feature map.
Vote = Literal["patches", "dense"]
VOTES: tuple[Vote, ...] = get_args(Vote)
PATCHWISE: Vote = "patches"
DENSE: Vote = "dense"
#: The seed of the signatures.
SERVING_SEED = 0
#: Lead, in its standard deviations, at which the fast mode ends a vote: the least of those tried
#: that kept every label of validation films (docs/performance.md).
FAST_LEAD = 1.75


@dataclass(frozen=True)
class VoteOptions:
    """How a film is put to the vote."""

    seed: int = SERVING_SEED
    """seed of the patch centres"""
    patches: int = PATCHES
    """patches that vote on a film, 1 to 400"""
    stride: int | None = None
    """above 0, patches on a grid of that many pixels at 1024 x 1024, from 50 to 1024; 0 for
    random ones. By default the model's own: random ones, unless it was exported with a grid"""
    rule: Rule | None = None
    """what decides: the majority of the patches' labels, the largest mean probability, the same
    without the lowest and the highest tenth of the patches, or the mean weighted by the lung in
    each patch. By default the model's own rule: the majority, unless it was exported with
    another"""
    vote: Vote | None = None
    """what votes: random patches, or every place of a grid on the lungs, which the network sees
    all at once (dense: no seed and a sixth of the arithmetic, only for models that were trained
    for it). By default the model's own way: patches, unless it was exported with the other"""
    decision_only: bool = False
    """stop looking at a film's patches where no further one can change its label: the same
    labels in less time; votes, mean probabilities and patches_used count the patches up to there"""
    fast: bool = False
    """not exact: stop looking at a film where its vote is unlikely to change, after about a fifth
    of the patches; docs/performance.md says how many labels differ"""
    gate: bool = True
    """refuse what does not look like an upright frontal chest film (not_chest_film); --no-gate
    answers for anything that has lungs, for films that are known to be chest films"""
    refer_below: float | None = None
    """decide `refer` where the votes of winner and runner-up differ by less than this share of
    the patches, 0 to 1; 0 for never. By default the model's own margin: 0, unless it was
    exported with another"""

    @property
    def ends_early(self) -> bool:
        """Whether the vote may end before all patches are seen."""
        return self.decision_only or self.fast

    @property
    def enough(self) -> float:
        """Lead in standard deviations that settles a vote; infinity for an exact answer."""
        return FAST_LEAD if self.fast else math.inf

    def check(self, prefix: str = "") -> None:
        """Refuse options that cannot be right.

        Args:
            prefix: what stands ahead of an option's name where it was given, such as `--`.

        Raises:
            UsageError: a value is out of range; the message names the option.
        """
        if not 1 <= self.patches <= MOST_PATCHES:
            raise UsageError(
                f"{prefix}patches {self.patches}: give a number from 1 to {MOST_PATCHES}"
            )
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"{prefix}seed {self.seed}: give a number from 0 to 2^63 - 1")
        check_margin(self.refer_below, f"{prefix}refer{'-' if prefix else '_'}below")
        check_stride(self.stride, f"{prefix}stride")
        check_vote(self.vote, f"{prefix}vote")
        if self.vote == DENSE and (self.stride or self.ends_early):
            raise UsageError(
                f"the dense vote looks at all of a film at once, on a grid of its own: leave out "
                f"{prefix}vote dense, or {prefix}stride and what ends a vote early"
            )
        if self.rule is not None and self.rule not in RULES:
            raise UsageError(f"{prefix}rule {self.rule}: choose one of {', '.join(RULES)}")
        if self.ends_early and self.rule not in (None, MAJORITY):
            raise UsageError(
                f"only a majority can be settled early: leave out {prefix}rule, or "
                "what ends a vote early"
            )

    def changed(self, changes: dict[str, Any]) -> "VoteOptions":
        """Give the options with some of them changed.

        Args:
            changes: values by the names of the fields.

        Raises:
            UsageError: a name is none of theirs, or a value of another kind.
        """
        known = [field.name for field in fields(self)]
        if unknown := sorted(set(changes) - set(known)):
            raise UsageError(f"no option {', '.join(unknown)}: choose from {', '.join(known)}")
        changed = replace(self, **changes)
        right: dict[str, Any] = {
            name: (_flag if isinstance(default, bool) else _whole)(name, getattr(changed, name))
            for name in known
            if isinstance(default := getattr(_DEFAULTS, name), int)
        }
        return replace(changed, **right)


_DEFAULTS = VoteOptions()


def _whole(name: str, value: Any) -> int:
    """Take a whole number, of whatever type: 50.0 and np.int64(50) mean 50."""
    value = value.item() if hasattr(value, "item") and not getattr(value, "shape", ()) else value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        raise UsageError(f"{name} {value!r}: give a whole number, such as {name}=50")
    return int(value)


def _flag(name: str, value: Any) -> bool:
    """Take True or False, also of NumPy."""
    if type(value).__name__ not in ("bool", "bool_"):
        raise UsageError(f"{name} {value!r}: give True or False")
    return bool(value)


def check_margin(margin: float | None, name: str) -> None:
    """Refuse a margin that is not between 0 and 1.

    Args:
        margin: of `refer_below`, None where it is not given.
        name: of the option.

    Raises:
        UsageError: it is out of range.
    """
    if margin is not None and not 0 <= margin <= 1:
        raise UsageError(f"{name} {margin}: give a share of the patches from 0 to 1, 0 for never")


def check_stride(stride: int | None, name: str) -> None:
    """Refuse a grid with too many points, or wider than the film.

    Args:
        stride: distance between neighbours in pixels, 0 for no grid, None where it is not given.
        name: of the option.

    Raises:
        UsageError: it is out of range.
    """
    if stride and not LEAST_STRIDE <= stride <= CLASSIFICATION_SIZE:
        raise UsageError(f"{name} {stride}: give {LEAST_STRIDE} to {CLASSIFICATION_SIZE}, or 0")


def check_vote(vote: str | None, name: str) -> None:
    """Refuse a way of voting that does not exist.

    Args:
        vote: what votes, None where it is not given.
        name: of the option.

    Raises:
        UsageError: it is unknown.
    """
    if vote is not None and vote not in VOTES:
        raise UsageError(f"{name} {vote}: choose one of {', '.join(VOTES)}")


def asked_vote(vote: VoteOptions | str | None, changes: dict[str, Any]) -> VoteOptions:
    """Join what a call in Python says of the vote.

    Args:
        vote: the options, or what votes; None for the defaults.
        changes: fields of `VoteOptions` by name.

    Raises:
        UsageError: a name is no field, or a value is out of range.
    """
    if isinstance(vote, str):
        vote, changes = None, {"vote": vote, **changes}
    options = (vote or VoteOptions()).changed(changes)
    options.check()
    return options
