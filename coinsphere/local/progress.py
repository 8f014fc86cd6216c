"""The interface by which long work reports its progress to a person."""

from contextlib import AbstractContextManager
from typing import Protocol

from coinsphere.local import dagster


class Stage(Protocol):
    """A stage of the work that is under way."""

    def step(self, step: dagster.Step) -> None:
        """Report a step that is done."""
        ...


class Progress(Protocol):
    """Reports the progress of long work."""

    def stage(self, title: str) -> AbstractContextManager[Stage]:
        """Report a stage for as long as the context lasts."""
        ...
