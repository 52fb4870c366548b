"""Networks whose batch normalisation does something."""

import keras
import numpy as np


def varied_norms(network: keras.Model) -> keras.Model:
    """Give all batch normalisations scales, offsets and statistics that are not 1 and 0."""
    rng = np.random.default_rng(1)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            for variable in layer.variables:
                low = 0.5 if variable is layer.moving_variance else -1.0
                variable.assign(rng.uniform(low, 2.0, variable.shape))
    return network
