"""What is measured: an exported model, its networks, and the same networks elsewhere."""

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import tensorflow as tf
import torch

from cxr_tf.films.model import TriageModel
from cxr_tf.method.frozen import frozen
from cxr_tf.method.model_card import ModelCard
from cxr_tf.method.triage import Triage, entry_points
from cxr_tf.method.vote import SUB_BATCH
from cxr_tf.method.vote_options import DENSE
from cxr_tf.models.grey_patches import grey_network
from cxr_tf.models.registry import build, build_classifier
from cxr_tf.models.split_channels import in_pieces
from cxr_tf.models.weights import load_weights, weight_arrays
from cxr_tf.saved.load import load
from cxr_tf.saved.weights_out import ExtractOptions, extract
from cxr_tf.saved.weights_record import BEST
from pipelines.sizes import CLASSIFICATION_SIZE, PATCH_SIZE
from tools.bench.offsets import with_offsets
from tools.bench.torch_film import TorchTriage
from tools.bench.torch_networks import FCDenseNet103, ResNet18, load_arrays

NETWORKS = {"segmentation": "fc_densenet103", "classification": "resnet18"}
#: The classifier of the dense vote on smaller films.
SMALL = "resnet18_layer3"


@dataclasses.dataclass(frozen=True)
class Subject:
    """An exported model, and its weights in every other form.

    Attributes:
        model: the exported model as it is.
        local: one of the same weights that decides as the paper does, by patches of 224 x 224 of a
            film of 1024 x 1024, whatever it learnt. Where the classifier is not the paper's
            ResNet-18, one with random weights stands here, which is as fast (`with_offsets`).
        dense: the same once more, which votes densely too.
        dense_small: one that votes densely by the first three stages on a film of 512 x 512, with
            the masks of the model; the classifier has random weights.
        size: side of the film that its segmentation sees.
        networks: Keras networks by task, for any size.
        torch_networks: the same in PyTorch, in evaluation mode.
        triage: the whole method in PyTorch.
    """

    model: TriageModel
    local: TriageModel
    dense: TriageModel
    dense_small: TriageModel
    size: int
    networks: dict[str, keras.Model]
    torch_networks: dict[str, torch.nn.Module]
    triage: TorchTriage

    def segmentation(self, size: int) -> Callable[[tf.Tensor], tf.Tensor]:
        """Give the frozen forward pass of one film.

        Args:
            size: side of the film.

        Returns:
            From float32 [1, size, size, 1] in 0..1 to logits [1, size, size, 4].
        """
        network = build(NETWORKS["segmentation"], size=size)
        network.set_weights(self.networks["segmentation"].get_weights())
        run = frozen(in_pieces(network), tf.TensorSpec([1, size, size, 1], tf.float32))
        return lambda x: run(x)[0]

    def patches(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Give the frozen forward pass of a sub-batch.

        Returns:
            From float32 [20, 224, 224] in 0..255 to logits [20, C].
        """
        scaling = self.model.card.options.scaling
        network = grey_network(self.networks["classification"], scaling)
        run = frozen(
            lambda x: network(x)["logits"],
            tf.TensorSpec([SUB_BATCH, PATCH_SIZE, PATCH_SIZE], tf.float32),
        )
        return lambda x: run(x)[0]


def subject(path: Path) -> Subject:
    """Load an exported model and take its weights out.

    Args:
        path: the model; one of FC-DenseNet103 and a ResNet-18 with ImageNet scaling.

    Raises:
        ValueError: it is another kind of model.
    """
    model = load(path)
    card, options = model.card, model.card.options
    names = {task: facts.network for task, facts in card.networks.items()}
    known = NETWORKS | {"classification": names.get("classification", "")}
    if names != known or options.scaling != "imagenet":
        raise ValueError(f"{path}: the bench takes models of {NETWORKS} with ImageNet scaling")
    with tempfile.TemporaryDirectory() as folder:
        runs = extract(ExtractOptions(model=path, out=Path(folder)))
        files = {run.name: run / BEST for run in runs}
        keras.utils.set_random_seed(0)
        networks = {
            "segmentation": build(NETWORKS["segmentation"], size=None),
            "classification": build(NETWORKS["classification"], classes=len(card.classes)),
        }
        for task, network in networks.items():
            if names[task] == NETWORKS[task]:
                load_weights(network, files[task])
            else:
                with_offsets(network)
        local, dense = (_deciding(card, networks, way) for way in ("local", DENSE))
        small_classifier = build(SMALL, classes=len(card.classes))
        small = {**networks, "classification": with_offsets(small_classifier)}
        dense_small = _deciding(card, small, DENSE, shrink=2)
        elsewhere = {"segmentation": FCDenseNet103(), "classification": ResNet18()}
        for task, network in elsewhere.items():
            load_arrays(network, weight_arrays(networks[task]))
    size = card.networks["segmentation"].size
    triage = TorchTriage(
        elsewhere["segmentation"],
        elsewhere["classification"],
        size=size,
        resolution_limit=options.resolution_limit,
        clean_masks=options.clean_masks,
    )
    return Subject(model, local, dense, dense_small, size, networks, elsewhere, triage)


def _deciding(
    card: ModelCard, networks: Mapping[str, keras.Model], approach: str, shrink: int = 1
) -> TriageModel:
    """Let networks decide as the paper does, or densely, on films of its size or smaller ones."""
    options = dataclasses.replace(
        card.options,
        approach=approach,
        patch_size=PATCH_SIZE // shrink,
        film_size=CLASSIFICATION_SIZE // shrink,
        content="lungs",
        field_of_view="film",
    )
    card = dataclasses.replace(card, options=options)
    segmentation = build(NETWORKS["segmentation"], size=card.networks["segmentation"].size)
    classification = build_classifier(
        networks["classification"].name,
        approach=approach,
        patch_size=options.patch_size,
        classes=len(card.classes),
    )
    for network, task in ((segmentation, "segmentation"), (classification, "classification")):
        network.set_weights(networks[task].get_weights())
    module = Triage(segmentation, classification, card.triage_options, card.reliability)
    return TriageModel(entry_points(module), card)
