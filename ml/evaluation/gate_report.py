"""What the gates say of a version: which passed, and why others did not."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ml.data.horizons import HORIZONS


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a gate refuses: at one horizon, or at all of them where `horizon` is None."""

    text: str
    horizon: int | None = None

    def __str__(self) -> str:
        return self.text if self.horizon is None else f"{self.horizon} d: {self.text}"

    def concerns(self, horizon: int) -> bool:
        """Whether it keeps a version from serving at a horizon."""
        return self.horizon in (None, horizon)


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate; `reasons` say what failed, `figures` what was measured."""

    name: str
    reasons: tuple[Reason, ...]
    figures: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether it refuses no horizon."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class GateReport:
    """All gates of a version."""

    model: str
    gates: tuple[Gate, ...]

    @property
    def passed(self) -> bool:
        """Whether every gate passed at every horizon."""
        return all(gate.passed for gate in self.gates)

    @property
    def horizons(self) -> tuple[int, ...]:
        """Where no gate speaks against serving."""
        return tuple(horizon for horizon in HORIZONS if not self.refused(horizon))

    def refused(self, horizon: int | None = None) -> tuple[str, ...]:
        """Every reason with its gate's name: those that concern a horizon, or all of them."""
        return tuple(
            f"{gate.name}: {reason}"
            for gate in self.gates
            for reason in gate.reasons
            if horizon is None or reason.concerns(horizon)
        )

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "model": self.model,
            "passed": self.passed,
            "horizons": list(self.horizons),
            "gates": [asdict(gate) | {"passed": gate.passed} for gate in self.gates],
        }
