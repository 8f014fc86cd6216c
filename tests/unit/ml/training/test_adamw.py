"""The optimiser is PyTorch's to the bit, without what its class imports."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from ml.training.adamw import AdamW, one_cycle

_FRESH = """
import sys
from torch import nn
from ml.training.adamw import AdamW
from ml.training.determinism import reproducible
with reproducible(1):
    layer = nn.Linear(2, 1)
    layer.weight.sum().backward()
    layer.bias.sum().backward()
    AdamW(layer.parameters()).step(0.1)
sys.exit("torch._dynamo" in sys.modules or "torch._inductor" in sys.modules)
"""


@pytest.mark.parametrize("steps", [7, 150])
def test_adamw_on_one_cycle_gives_the_bits_of_pytorchs_classes(steps: int) -> None:
    ours, theirs = _layers()
    optimiser = AdamW(ours.parameters(), decay=0.1)
    reference = torch.optim.AdamW(theirs.parameters(), lr=1e-2, weight_decay=0.1, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(reference, max_lr=1e-2, total_steps=steps)
    for rate, momentum in one_cycle(steps, 1e-2):
        _backward(ours)
        optimiser.step(rate, momentum)
        _backward(theirs)
        reference.step()
        schedule.step()
        reference.zero_grad()
        _require_same(ours, theirs)


def test_without_decay_it_is_adam() -> None:
    ours, theirs = _layers()
    optimiser = AdamW(ours.parameters())
    reference = torch.optim.Adam(theirs.parameters(), lr=1e-2, fused=True)
    for _ in range(20):
        _backward(ours)
        optimiser.step(1e-2)
        _backward(theirs)
        reference.step()
        reference.zero_grad()
        _require_same(ours, theirs)


def test_a_step_imports_no_compiler() -> None:
    """It was a fifth of a training's time in a fresh process."""
    assert subprocess.run([sys.executable, "-c", _FRESH], check=False).returncode == 0


def _layers() -> tuple[nn.Linear, nn.Linear]:
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def _backward(layer: nn.Linear) -> None:
    (layer(torch.linspace(-1, 1, 20).reshape(4, 5)) ** 2).sum().backward()


def _require_same(ours: nn.Linear, theirs: nn.Linear) -> None:
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)
    assert ours.weight.grad is None
