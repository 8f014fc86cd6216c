"""Which days choices were made on, which were kept for the end, and how much was tried; from `calendar.json`.

The file is committed, so that nobody chooses the days that flatter a model, and how many configurations were tried
stands beside every figure: the best of many is better than it will be.
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("calendar.json")


@dataclass(frozen=True, slots=True)
class TestCalendar:
    """Spans of origins, from the first day to the one before the end."""

    development: tuple[date, date]
    vault: tuple[date, date]
    configurations_tried: int

    def describe(self) -> dict[str, object]:
        """As the backtest shows it."""
        return {
            "development": [str(day) for day in self.development],
            "vault": [str(day) for day in self.vault],
            "configurationsTried": self.configurations_tried,
        }


@cache
def load() -> TestCalendar:
    """The committed calendar."""
    calendar = json.loads(_FILE.read_text())
    return TestCalendar(
        _span(calendar["development"]),
        _span(calendar["vault"]),
        sum(int(each["count"]) for each in calendar["configurations"]),
    )


def _span(value: dict[str, str]) -> tuple[date, date]:
    return date.fromisoformat(value["first"]), date.fromisoformat(value["end"])
