"""The same bits for the same seed: one thread, deterministic kernels, a random state of our own."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils import deterministic


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """What was set before is set again afterwards."""
    threads, strict = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    filled = deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]  # documented, not annotated
    torch.set_num_threads(1)
    # `use_deterministic_algorithms` does the same and imports the compiler, too.
    torch.set_deterministic_debug_mode("error")
    # Fresh memory is always written before it is read here; filling it first costs 8 % of the training.
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(strict)
        deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
