"""Going through the layers of a network, to call them in another way than Keras does."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import keras
import tensorflow as tf

#: Tensors that stand for one, joined along their channels.
Pieces = list[tf.Tensor]
Layer = TypeVar("Layer", bound=keras.Layer)


def walk(
    network: keras.Model,
    call: Callable[[keras.Layer, list[Pieces]], Pieces],
    start: Sequence[keras.KerasTensor] | None = None,
) -> Callable[[Any], Any]:
    """Go through the layers of a network in turn.

    Args:
        network: one in which every layer is called once.
        call: from a layer and the pieces of each of its inputs to those of its output.
        start: outputs of layers to begin behind; by default the network's inputs.

    Returns:
        From values of `start`, a tensor or a list, to the network's outputs, as the network gives
        them.
    """
    symbols = network.inputs if start is None else start

    def answer(inputs: Any) -> Any:
        given = zip(symbols, tf.nest.flatten(inputs), strict=True)
        found = {id(symbol): [value] for symbol, value in given}
        for layer in network.layers:
            taken = [id(each) for each in inputs_of(layer)]
            is_behind = bool(taken) and found.keys() >= set(taken)
            if is_behind and id(layer.output) not in found:
                found[id(layer.output)] = call(layer, [found[each] for each in taken])
        return tf.nest.map_structure(lambda each: joined(found[id(each)]), network.output)

    return answer


def inputs_of(layer: keras.Layer) -> list[keras.KerasTensor]:
    """Give what a layer takes; nothing for an input of the network."""
    if isinstance(layer, keras.layers.InputLayer):
        return []
    return layer.input if isinstance(layer.input, list) else [layer.input]


def joined(pieces: Pieces) -> tf.Tensor:
    """Join pieces along their channels."""
    return pieces[0] if len(pieces) == 1 else tf.concat(pieces, -1)


def layers_before(
    network: keras.Model,
) -> Callable[[keras.Layer, type[Layer]], Layer | None]:
    """Look for layers that work for one other layer alone.

    Args:
        network: one in which every layer is called once.

    Returns:
        From a layer and a kind to the layer of that kind which makes its only input, and nothing
        that is used elsewhere; None where there is no such layer.
    """
    makers = {id(layer.output): layer for layer in network.layers}
    uses = Counter(id(each) for layer in network.layers for each in inputs_of(layer))
    uses.update(id(each) for each in network.outputs)

    def before(layer: keras.Layer, kind: type[Layer]) -> Layer | None:
        inputs = inputs_of(layer)
        maker = makers.get(id(inputs[0])) if len(inputs) == 1 else None
        return maker if isinstance(maker, kind) and uses[id(inputs[0])] == 1 else None

    return before
