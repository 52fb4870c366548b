"""The method as the authors' scripts run it, but kinder.

A film is prepared once and weights are loaded once. Patches go through the network one at a time.
For the map of a class each patch needs a forward pass with gradients and a backward pass through
the network; for all classes, one backward pass a class. Nothing of their code is used; the order
of work is that of `docs/deviations.md`, rows 3 and 18.
"""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from tools.bench.torch_film import MEAN, PATCH, SD, SIZE, TorchTriage


class AuthorsWay:
    """Votes and maps, patch by patch."""

    def __init__(self, triage: TorchTriage) -> None:
        """Take networks and preparation from the batched form."""
        self.triage = triage

    def decide(self, path: Path, classes: tuple[int, ...] = ()) -> np.ndarray:
        """Vote on one film, and make the maps of some classes.

        Args:
            path: a grey PNG or JPEG file.
            classes: indices of the classes that get a map.

        Returns:
            float32 [len(classes), 1024, 1024]; with no classes, the votes.
        """
        with torch.no_grad():
            _, masked, lungs = self.triage.prepare(path)
        places = np.argwhere(lungs)
        centres = places[np.random.default_rng(0).integers(0, len(places), 100)]
        padded = functional.pad(masked, [PATCH // 2] * 4)
        network = self.triage.classification
        votes = np.zeros(network.fc.out_features, int)
        total = np.zeros((len(classes), SIZE + PATCH, SIZE + PATCH), np.float32)
        cover = np.zeros((SIZE + PATCH, SIZE + PATCH), np.float32)
        for y, x in centres:
            grey = padded[None, None, y : y + PATCH, x : x + PATCH]
            patch = ((grey / 255.0 - MEAN) / SD).to(memory_format=torch.channels_last)
            with torch.set_grad_enabled(bool(classes)):
                features = network.features(patch)
                if classes:
                    features.retain_grad()
                logits = network.fc(features.mean((2, 3)))
            votes[int(logits.argmax())] += 1
            shares = logits.detach().softmax(1)[0]
            for place, index in enumerate(classes):
                network.zero_grad()
                features.grad = None
                logits[0, index].backward(retain_graph=True)
                weights = features.grad.mean((2, 3), keepdim=True)
                small = (weights * features.detach()).sum(1, keepdim=True).relu()
                large = functional.interpolate(small, (PATCH, PATCH), mode="bilinear")[0, 0]
                large = large / large.max().clamp(min=1e-12) * shares[index]
                total[place, y : y + PATCH, x : x + PATCH] += large.numpy()
            cover[y : y + PATCH, x : x + PATCH] += 1
        if not classes:
            return votes
        half = PATCH // 2
        inner = slice(half, half + SIZE)
        return (total / np.maximum(cover, 1))[:, inner, inner]
