"""A refusal by the gates reads as a verdict, and a broken promise of the code as a fault."""

from uuid import UUID

import dagster as dg
import pytest

from ml.evaluation import gates
from ml.evaluation.gate_report import Gate, GateReport, Reason
from ml.evaluation.results import TrainedGlobal
from orchestration.forecasting import verdicts

_OF_MERIT = {"G2_baselines", "G3_champion", "G4_calibration", "G5_slices"}
_OF_CODE = {"G1_causality", "G6_engineering"}


def result(gate: Gate) -> dg.AssetCheckResult:
    report = GateReport("combination", (gate,))
    version = TrainedGlobal(7, "combination", "run", "digest", report, UUID(int=1), (), None)
    return verdicts.of(gate, version)


@pytest.mark.parametrize("name", gates.NAMES)
def test_a_warning_says_whether_anything_is_to_be_done(name):
    said = result(Gate(name, (Reason("of no use", 7), Reason("nor here", 30)))).description
    assert ("no fault" in said) is (name in _OF_MERIT)
    assert ("is a fault" in said) is (name in _OF_CODE)
    assert "Version 7 was trained and kept, and does not serve at 7, 30 days" in said


def test_a_reason_without_a_horizon_concerns_all_of_them():
    found = result(Gate("G6_engineering", (Reason("seeds differ"),)))
    assert "at 1, 7, 14, 30 days" in found.description
    assert found.metadata["reasons"].value == "- seeds differ"
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.WARN


def test_what_passed_claims_nothing_else():
    found = result(Gate("G2_baselines", (), {"dm_t_1d": 4.0}))
    assert found.passed
    assert found.description == "Version 7 passed at every horizon."


def test_every_gate_is_a_check_that_says_what_it_asks():
    specs = verdicts.specs(dg.AssetKey("forecasts"))
    assert [each.name for each in specs] == list(verdicts.GATES) == list(gates.NAMES)
    assert all("docs/guides/forecasting.md" in each.description for each in specs)
