"""The networks by name, and the precisions they compute in; importing it loads no TensorFlow.

A new network is one file beside this one and one line in a table here.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

#: What the layers of a network compute in: Keras' names of its policies.
Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]


@dataclass(frozen=True)
class Network:
    """How a network is built.

    Attributes:
        builder: file in `cxr_tf.models` and function in it, such as `resnet.resnet18`.
        options: arguments of the builder that make this variant.
    """

    builder: str
    options: dict[str, Any] = field(default_factory=dict)


#: Networks that turn a film into one logit a class and pixel; `u_net_small` is for phantoms.
SEGMENTATION_NETWORKS: dict[str, Network] = {
    "fc_densenet103": Network(
        "fc_densenet.fc_densenet", {"down": (4, 5, 7, 10, 12), "bottleneck": 15, "growth": 16}
    ),
    "fc_densenet67": Network(
        "fc_densenet.fc_densenet", {"down": (5, 5, 5, 5, 5), "bottleneck": 5, "growth": 16}
    ),
    "fc_densenet56": Network(
        "fc_densenet.fc_densenet", {"down": (4, 4, 4, 4, 4), "bottleneck": 4, "growth": 12}
    ),
    "u_net": Network("u_net.u_net"),
    "u_net_small": Network("u_net.u_net", {"width": 8}),
}

#: Stages of a ResNet-18; one that ends earlier says so in its options.
STAGES = 4

#: Networks that turn patches into logits and features. `resnet18_layer3` ends behind the third of
#: ResNet-18's four stages, `layer3` in torchvision, and `resnet18_layer3_lungs` averages its last
#: feature map over the lungs alone. `resnet18_layer3_lung_halves` also compares the upper half of
#: the lungs with the lower; `resnet18_small` is for phantoms.
CLASSIFICATION_NETWORKS: dict[str, Network] = {
    "resnet18": Network("resnet.resnet18"),
    "resnet18_layer3": Network("resnet.resnet18", {"stages": 3}),
    "resnet18_layer3_lungs": Network("resnet.resnet18", {"stages": 3, "on_lungs": True}),
    "resnet18_layer3_lung_halves": Network(
        "resnet.resnet18", {"stages": 3, "on_lungs": True, "halves": True}
    ),
    "resnet18_small": Network("resnet.resnet18", {"width": 16}),
}


def feature_stride(name: str) -> int:
    """Tell how many pixels of a patch there are for a cell of the last feature map, on each side.

    Args:
        name: a key of `CLASSIFICATION_NETWORKS`.
    """
    stages: int = CLASSIFICATION_NETWORKS[name].options.get("stages", STAGES)
    return 2 << stages
