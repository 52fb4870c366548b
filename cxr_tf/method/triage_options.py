"""What a model takes beside its networks: how films are prepared, and how it decides."""

from dataclasses import dataclass, replace

from cxr_tf.measures.rule_names import MAJORITY, Rule
from cxr_tf.method.vote_options import DENSE, PATCHWISE, Vote, VoteOptions
from cxr_tf.runtime.errors import UsageError
from pipelines.sizes import CLASSIFICATION_SIZE


@dataclass(frozen=True)
class PreparationOptions:
    """How films were prepared for training; inference must do the same.

    Attributes:
        resolution_limit: longest side kept before the resize, 0 for none.
        enhance: equalise and correct gamma.
        clean_masks: leave of each part the largest region, and fill its holes.
        approach: what the network learnt from: `local` (patches), `dense` (patches, and all windows
            of a part of the film), or `global` (the film at patch size).
        patch_size: side of a patch in pixels.
        film_size: side in pixels of the film that patches are cut from.
        field_of_view: what the global approach takes for the whole: `film`, or `lungs`, the square
            around them.
        content: what of the film the classifier sees.
        scaling: range of the classifier's input.
    """

    resolution_limit: int = 0
    enhance: bool = True
    clean_masks: bool = False
    approach: str = "local"
    patch_size: int = 224
    content: str = "lungs"
    scaling: str = "imagenet"
    film_size: int = CLASSIFICATION_SIZE
    field_of_view: str = "film"

    @property
    def patch_side(self) -> int:
        """Side of a patch as centres are given: in pixels of a film of 1024 x 1024."""
        return self.patch_size * CLASSIFICATION_SIZE // self.film_size


@dataclass(frozen=True)
class DecisionOptions:
    """How a model decides where a request does not say otherwise.

    Attributes:
        refer_below: least margin of an answer that is not referred; 0 refers none.
        rule: what decides; see `cxr_tf.measures.rule_names`.
        stride: spacing of a grid of patches in pixels at 1024 x 1024; 0 for random ones.
        vote: what votes; see `cxr_tf.method.vote_options`.
    """

    refer_below: float = 0.0
    rule: Rule = MAJORITY
    stride: int = 0
    vote: Vote = PATCHWISE

    def asked_with(self, vote: VoteOptions) -> "DecisionOptions":
        """Give what holds for a request.

        Args:
            vote: how a film is put to the vote; what it leaves open is the model's own.

        Raises:
            UsageError: the vote ends early, and so has no margin to refer by, or the model decides
                by another rule than the majority; or it votes densely, and patches on a grid or
                an early end are asked for.
        """
        refer_below = self.refer_below if vote.refer_below is None else vote.refer_below
        rule = self.rule if vote.rule is None else vote.rule
        stride = self.stride if vote.stride is None else vote.stride
        if rule != MAJORITY and vote.ends_early:
            raise UsageError(
                f"only a majority can be settled early, and the model decides by {rule}: leave out "
                "--decision-only and --fast, or give --rule majority"
            )
        if refer_below and vote.ends_early:
            raise UsageError(
                f"a vote that ends early does not know its margin, and films with less than "
                f"{refer_below} are to be referred: leave out --decision-only and --fast, or give "
                "--refer-below 0"
            )
        way = self.vote if vote.vote is None else vote.vote
        if way == DENSE:
            if vote.stride or vote.ends_early:
                raise UsageError(
                    "the model votes densely, at once and on a grid of its own: leave out "
                    "--stride, --decision-only and --fast, or give --vote patches"
                )
            stride = 0
        return replace(self, refer_below=refer_below, rule=rule, stride=stride, vote=way)


@dataclass(frozen=True, kw_only=True)
class TriageOptions(DecisionOptions, PreparationOptions):
    """All that the graph of a model takes beside its networks and its `Reliability`.

    Attributes:
        classes: names in order.
        version: names weights and options.
    """

    classes: tuple[str, ...]
    version: str = ""
