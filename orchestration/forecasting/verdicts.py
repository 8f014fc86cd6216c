"""The gates of the global model as checks of its asset, in words that tell a verdict from a fault.

A version that is refused is the gates at work, and as a warning it looks like something that broke. So each check says what
it asks, who answers where it refuses, and whether anyone has to do anything.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from ml.data.horizons import HORIZONS

if TYPE_CHECKING:
    from ml.evaluation.gate_report import Gate
    from ml.evaluation.results import TrainedGlobal

_MERIT = "A warning is a verdict on the model and no fault: nothing has failed, and there is nothing to repair."
_FAULT = "A warning is a fault of the code or the machine: see its reasons."

MEANING: Mapping[str, str] = {
    "G0_data": "Enough days of one origin to judge a model on. A warning asks for more or whole days of history.",
    "G1_causality": f"No forecast changes with days that follow it. {_FAULT}",
    "G2_baselines": (
        "Better than every simpler model at each horizon, and beyond luck than the five numbers of gk_har_t. "
        f"{_MERIT} In a simulated market there is little or nothing to learn beyond those five, so it is the usual end there."
    ),
    "G3_champion": f"At most a little worse than the version that serves. {_MERIT}",
    "G4_calibration": f"Intervals hold what they promise, as far as luck explains. {_MERIT}",
    "G5_slices": f"Most tokens gain at one day, and none loses much. {_MERIT}",
    "G6_engineering": f"Seeds agree, the graph equals the nets, a training can be repeated, a pass is quick. {_FAULT}",
}
"""Of each gate of `ml.evaluation.gates`, whose import is slow, in their order; a test compares the names."""

GATES = tuple(MEANING)


def specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of the asset, one a gate."""
    return [
        dg.AssetCheckSpec(
            name, asset=asset, description=f"{meaning} See docs/guides/forecasting.md."
        )
        for name, meaning in MEANING.items()
    ]


def of(gate: "Gate", version: "TrainedGlobal") -> dg.AssetCheckResult:
    """What a gate says of a version, and what follows from it."""
    reasons = "\n".join(f"- {each}" for each in gate.reasons) or "none"
    return dg.AssetCheckResult(
        check_name=gate.name,
        passed=gate.passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=_outcome(gate, version),
        metadata={
            "reasons": dg.MetadataValue.md(reasons),
            **gate.figures,
            "version": version.version,
            "gate_report": str(version.report_id),
        },
    )


def unknown(name: str, reason: str) -> dg.AssetCheckResult:
    """A gate that could not judge: none is passed unseen."""
    return dg.AssetCheckResult(
        check_name=name,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description="Not judged; until then the baseline answers.",
        metadata={"reasons": f"not judged: {reason}"},
    )


def _outcome(gate: "Gate", version: "TrainedGlobal") -> str:
    if gate.passed:
        return f"Version {version.version} passed at every horizon."
    refused = [
        horizon for horizon in HORIZONS if any(each.concerns(horizon) for each in gate.reasons)
    ]
    days = ", ".join(map(str, refused))
    return (
        f"Version {version.version} was trained and kept, and does not serve at {days} days: there the champion before it "
        f"answers, or the baseline where there is none. {MEANING[gate.name]}"
    )
