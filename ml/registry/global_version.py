"""A version of the global model as files, which `ml.models.manifest` vouches for."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from ml.errors import ArtifactRefused
from ml.evaluation.backtest import Backtest
from ml.evaluation.conformal import Conformal
from ml.evaluation.figures import Figures
from ml.evaluation.losses import Losses
from ml.models import catalog, manifest
from ml.models.global_lstm import NETWORK
from ml.models.interface import GlobalModel
from ml.models.manifest import MANIFEST, TrainingFacts
from ml.models.novelty import Novelty
from ml.models.residual import PARAMETERS

NAME = "all-tokens-forecaster"
"""Of the registered model in MLflow."""

CONFORMAL = "conformal.json"
NOVELTY = "novelty.json"
FIGURES = "figures.json"
LOSSES = "losses.npz"
_REQUIRED = frozenset({PARAMETERS, CONFORMAL, NOVELTY, FIGURES, LOSSES})
_ALLOWED = _REQUIRED | {NETWORK}


@dataclass(frozen=True, slots=True)
class GlobalFacts(TrainingFacts):
    """What is known of a version of the global model."""

    NAMES: ClassVar[Mapping[str, str]] = {"algorithm": "model"}

    dagster_run_id: str


@dataclass(frozen=True, slots=True, eq=False)
class GlobalVersion:
    """All that serves."""

    facts: GlobalFacts
    model: GlobalModel
    conformal: Conformal
    novelty: Novelty
    figures: Mapping[str, Any] = field(repr=False)
    losses: bytes = field(repr=False, default=b"")

    def quality(self, horizon: int) -> Figures | None:
        """What the model reached in its walk-forward at a horizon; None where it was not walked forward."""
        row = self.figures["horizons"].get(str(horizon))
        if row is None:
            return None
        return Figures(**{**row, "pit_histogram": tuple(row["pit_histogram"])})

    @property
    def evaluated_on(self) -> str | None:
        """The first and the last day that a scored forecast started from, as an ISO 8601 interval."""
        if not self.figures["horizons"]:
            return None
        return f"{self.figures['start']}/{self.figures['last']}"


def reached(backtest: Backtest, model: str) -> dict[str, Any]:
    """What a walk-forward gives to a version: its intervals, its figures by horizon and when they were measured."""
    rows = {row.horizon: row for row in backtest.table() if row.model == model}
    return {
        "conformal": backtest.calibrations[model],
        "figures": {
            "start": str(backtest.start),
            "last": str(backtest.last),
            "horizons": {str(horizon): asdict(row) for horizon, row in rows.items()},
        },
        "losses": Losses.of(backtest, model).npz(),
    }


def unmeasured() -> dict[str, Any]:
    """What a version has instead that could not be walked forward."""
    return {"conformal": Conformal.untouched(), "figures": {"horizons": {}}, "losses": b""}


def pack(version: GlobalVersion) -> dict[str, bytes]:
    """The files and their manifest."""
    files = {
        **catalog.files_of_global(version.model),
        CONFORMAL: _json(version.conformal.to_json()),
        NOVELTY: _json(version.novelty.to_json()),
        FIGURES: _json(version.figures),
        LOSSES: version.losses,
    }
    return manifest.write(files, {"facts": version.facts.to_json()})


def unpack(files: Mapping[str, bytes], manifest_digest: str) -> GlobalVersion:
    """Verify the files, and only then load the version.

    Raises:
        ArtifactRefused: a file is missing, was altered or is not named in the manifest, or this version of the code
            cannot read it.
    """
    facts, digests = manifest.read(files, manifest_digest, _facts)
    if not _REQUIRED <= set(digests) <= _ALLOWED:
        raise ArtifactRefused(f"{MANIFEST} names what this version of the code does not read")
    return _load(facts, manifest.verified(files, digests))


def _load(facts: GlobalFacts, files: Mapping[str, bytes]) -> GlobalVersion:
    try:
        return GlobalVersion(
            facts,
            catalog.load_global(files),
            Conformal.from_json(json.loads(files[CONFORMAL])),
            Novelty.from_json(json.loads(files[NOVELTY])),
            json.loads(files[FIGURES]),
            files[LOSSES],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactRefused(f"the version cannot be loaded: {error!r}") from error


def _facts(value: Mapping[str, Any]) -> GlobalFacts:
    return GlobalFacts.from_json(value["facts"])


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1).encode()
