"""Both networks in PyTorch, with our weights: the first thing that our speed is held against."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

#: Dense layers of FC-DenseNet103's blocks, growth, and the batch norm's epsilon.
DOWN, BOTTLENECK, GROWTH, FIRST = (4, 5, 7, 10, 12), 15, 16, 48
EPSILON = 1e-5


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON)


class DenseLayer(nn.Module):
    """Batch norm, ReLU, 3 x 3 convolution, channel-wise dropout."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = _batch_norm(channels)
        self.conv = nn.Conv2d(channels, GROWTH, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From [B, C, H, W] to [B, 16, H, W]."""
        return functional.dropout2d(self.conv(functional.relu(self.bn(x))), 0.2, self.training)


class DenseBlock(nn.Module):
    """Dense layers, each of which sees all before it."""

    def __init__(self, channels: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DenseLayer(channels + i * GROWTH) for i in range(layers))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Input and outputs together, and the outputs alone."""
        new = []
        for layer in self.layers:
            new.append(layer(x))
            x = torch.cat([x, new[-1]], 1)
        return x, torch.cat(new, 1)


class FCDenseNet103(nn.Module):
    """From films [B, 1, S, S] in 0..1 to logits [B, 4, S, S]."""

    def __init__(self) -> None:
        super().__init__()
        self.first_conv = nn.Conv2d(1, FIRST, 3, padding=1)
        channels, skips = FIRST, []
        self.down, self.transitions = nn.ModuleList(), nn.ModuleList()
        for layers in DOWN:
            self.down.append(DenseBlock(channels, layers))
            channels += layers * GROWTH
            skips.append(channels)
            bn, conv = _batch_norm(channels), nn.Conv2d(channels, channels, 1)
            self.transitions.append(nn.ModuleDict({"bn": bn, "conv": conv}))
        self.bottleneck = DenseBlock(channels, BOTTLENECK)
        new = BOTTLENECK * GROWTH
        self.transposed, self.up = nn.ModuleList(), nn.ModuleList()
        for layers, skip in zip(reversed(DOWN), reversed(skips), strict=True):
            self.transposed.append(nn.ConvTranspose2d(new, new, 3, stride=2))
            self.up.append(DenseBlock(new + skip, layers))
            new_channels, new = new + skip + layers * GROWTH, layers * GROWTH
        self.logits = nn.Conv2d(new_channels, 4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the logits."""
        x = self.first_conv(x)
        skips = []
        for block, transition in zip(self.down, self.transitions, strict=True):
            x, _ = block(x)
            skips.append(x)
            x = transition["conv"](functional.relu(transition["bn"](x)))
            x = functional.max_pool2d(functional.dropout2d(x, 0.2, self.training), 2)
        _, new = self.bottleneck(x)
        for transposed, block in zip(self.transposed, self.up, strict=True):
            skip = skips.pop()
            x = transposed(new)[:, :, : skip.shape[2], : skip.shape[3]]
            x, new = block(torch.cat([x, skip], 1))
        return self.logits(x)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.bn1 = _batch_norm(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = _batch_norm(filters)
        self.downsample = nn.ModuleList()
        if stride > 1:
            shortcut = nn.Conv2d(channels, filters, 1, stride, bias=False)
            self.downsample = nn.ModuleList([shortcut, _batch_norm(filters)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From [B, C, H, W] to [B, filters, H / stride, W / stride]."""
        shortcut = x
        for layer in self.downsample:
            shortcut = layer(shortcut)
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)) + shortcut)


class ResNet18(nn.Module):
    """From patches [B, 3, S, S] to logits [B, classes] and features [B, 512, S / 32, S / 32]."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = _batch_norm(64)
        stages = []
        for stage in range(4):
            filters, before = 64 << stage, 64 << max(stage - 1, 0)
            first = BasicBlock(before, filters, 2 if stage else 1)
            stages.append(nn.ModuleList([first, BasicBlock(filters, filters, 1)]))
        self.stages = nn.ModuleList(stages)
        self.fc = nn.Linear(512, classes)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the last feature map."""
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return x

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute logits and features."""
        features = self.features(x)
        return self.fc(features.mean((2, 3))), features


def _keras_paths(network: nn.Module) -> dict[str, str]:
    """Give the Keras path of each weight by its name in PyTorch."""
    paths = {}
    for name in network.state_dict():
        if not name.endswith("num_batches_tracked"):
            owner, _, kind = name.rpartition(".")
            variable = _keras_variable(network.get_submodule(owner), kind)
            paths[name] = f"{_keras_layer(owner)}/{variable}"
    return paths


def keras_shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """Tell which arrays `load_arrays` takes.

    Args:
        network: `FCDenseNet103` or `ResNet18`.

    Returns:
        Shapes by Keras path.
    """
    shapes = {}
    for name, path in _keras_paths(network).items():
        shape = tuple(network.state_dict()[name].shape)
        if len(shape) == 4:  # [out, in, h, w]
            shape = (*shape[2:], shape[1], shape[0])
        shapes[path] = shape if len(shape) != 2 else shape[::-1]
    return shapes


def load_arrays(network: nn.Module, arrays: Mapping[str, np.ndarray]) -> nn.Module:
    """Give a network our weights.

    Args:
        network: `FCDenseNet103` or `ResNet18`.
        arrays: by Keras path; none may be left over.

    Returns:
        The network, in evaluation mode and channels-last.

    Raises:
        ValueError: a weight is missing, left over, or of another shape.
    """
    rest = dict(arrays)
    state = {}
    for name, path in _keras_paths(network).items():
        if path not in rest:
            raise ValueError(f"{path} is missing")
        value = rest.pop(path)
        if value.ndim == 4:
            value = value.transpose(3, 2, 0, 1)
        elif value.ndim == 2:
            value = value.T
        state[name] = torch.from_numpy(np.ascontiguousarray(value))
    if rest:
        raise ValueError(f"left over: {', '.join(rest)}")
    missing, unknown = network.load_state_dict(state, strict=False)
    if unknown or any(not name.endswith("num_batches_tracked") for name in missing):
        raise ValueError(f"missing {missing}, unknown {unknown}")
    return network.eval().to(memory_format=torch.channels_last)


def _keras_layer(owner: str) -> str:
    """Name of the Keras layer for a PyTorch module, such as `down0_3_conv`."""
    parts: Sequence[str] = owner.split(".")
    head = parts[0]
    if head == "transitions":
        return f"down{parts[1]}_{parts[2]}"
    if head == "transposed":
        return f"up{len(DOWN) - 1 - int(parts[1])}_transposed"
    if head == "down":
        return f"down{parts[1]}_{parts[3]}_{parts[4]}"
    if head == "up":
        return f"up{len(DOWN) - 1 - int(parts[1])}_{parts[3]}_{parts[4]}"
    if head == "bottleneck":
        return f"bottleneck_{parts[2]}_{parts[3]}"
    if head == "stages":
        return "_".join([f"layer{int(parts[1]) + 1}", *parts[2:]])
    return head


def _keras_variable(layer: nn.Module, kind: str) -> str:
    if isinstance(layer, nn.BatchNorm2d):
        return {
            "weight": "gamma",
            "bias": "beta",
            "running_mean": "moving_mean",
            "running_var": "moving_variance",
        }[kind]
    return {"weight": "kernel", "bias": "bias"}[kind]
