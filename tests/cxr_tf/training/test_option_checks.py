"""Options that do not go together are refused with the remedy."""

import pytest

from cxr_tf.runtime.errors import UsageError
from cxr_tf.saved.run_options import ClassificationTrainingOptions
from cxr_tf.training.option_checks import check_options

LUNGS, HALVES = "resnet18_layer3_lungs", "resnet18_layer3_lung_halves"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"approach": "dense", "patch_size": 112}, "--patch-size 112: give a multiple of 32"),
        ({"approach": "dense", "film_size": 2048}, "--film-size 2048: give at most 1024"),
        (
            {"approach": "dense", "network": "resnet18_layer3", "film_size": 1024},
            "--film-size 1024: give at most 512",
        ),
        ({"approach": "dense", "network": HALVES}, "take --network resnet18 or resnet18_layer3"),
        ({"approach": "dense", "crops": 5}, "--crops 5: give 1 to --batch-size 4"),
        ({"film_size": 500}, "--film-size 500: give a multiple of 256"),
        ({"field_of_view": "lungs"}, "--field-of-view lungs: give --approach global"),
        ({"network": LUNGS, "content": "whole"}, "--content lungs or even_lungs"),
        ({"network": HALVES, "scaling": "raw255"}, "give --scaling imagenet"),
        ({"source_directions": 2}, "--source-directions: give --fit-head"),
        ({"agreement": 1.0, "fit_head": 0.3}, "--agreement: give --fit-head and --approach dense"),
        ({"agreement": 1.0, "approach": "dense"}, "--agreement: give --fit-head"),
        ({"agreement": -1.0, "fit_head": 0.3, "approach": "dense"}, "--agreement -1.0: give 0"),
        ({"source_share": 1.5}, "--source-share 1.5: give a share"),
    ],
)
def test_the_option_and_the_remedy_are_named(options, reason):
    with pytest.raises(UsageError, match=reason):
        check_options(ClassificationTrainingOptions(batch_size=4, **options))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"approach": "dense", "batch_size": 4},
        {
            "approach": "dense",
            "batch_size": 4,
            "network": "resnet18_layer3",
            "patch_size": 112,
            "film_size": 512,
        },
        {"approach": "global", "field_of_view": "lungs", "network": HALVES},
        {"fit_head": 0.6, "source_directions": 3, "source_share": 0.25},
    ],
)
def test_what_goes_together_passes(options):
    check_options(ClassificationTrainingOptions(**options))
