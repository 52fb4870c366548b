"""Names of the rules that make one decision of a film's patches; SciPy is not loaded."""

from typing import Literal, get_args

#: The most frequent label (the paper's), the largest mean probability, the same without the
#: lowest and highest patches, and the mean weighted by the lung in each patch.
Rule = Literal["majority", "mean", "trimmed_mean", "area_weighted"]
RULES: tuple[Rule, ...] = get_args(Rule)
MAJORITY: Rule = "majority"
#: Share of the patches that the trimmed mean leaves out at either end, class by class.
TRIMMED = 0.1
