"""How a person is told what is being done."""

from contextlib import AbstractContextManager
from typing import Protocol

from coinsphere.local import dagster


class Stage(Protocol):
    """What is being done at the moment, as a person is told."""

    def step(self, step: dagster.Step) -> None:
        """Tell of a step that is done."""
        ...


class Progress(Protocol):
    """Tells a person how far things are."""

    def stage(self, title: str) -> AbstractContextManager[Stage]:
        """Tell what is being done, for as long as it is."""
        ...
