"""A version of the global model: its files, and the manifest that vouches for them.

As with `ml.models.artifact`, every file's SHA-256 stands in the manifest, the manifest's own in the registry's database, and
nothing is parsed before both were compared.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from coinsphere.clock import iso
from ml.errors import ArtifactRefused
from ml.evaluation.backtest import Backtest
from ml.evaluation.conformal import Conformal
from ml.evaluation.figures import Figures
from ml.evaluation.losses import Losses
from ml.models import artifact, catalog
from ml.models.artifact import MANIFEST
from ml.models.global_lstm import NETWORK
from ml.models.interface import GlobalModel
from ml.models.novelty import Novelty
from ml.models.residual import PARAMETERS

NAME = "all-tokens-forecaster"
"""Of the registered model in MLflow."""

CONFORMAL = "conformal.json"
NOVELTY = "novelty.json"
FIGURES = "figures.json"
LOSSES = "losses.npz"
_FORMAT = 1
_REQUIRED = frozenset({PARAMETERS, CONFORMAL, NOVELTY, FIGURES, LOSSES})
_ALLOWED = _REQUIRED | {NETWORK}


@dataclass(frozen=True, slots=True)
class GlobalFacts:
    """What is known of a version when it was trained; `data_cutoff` is the close of the last day of its panel."""

    model: str
    run_id: str
    trained_at: datetime
    data_cutoff: datetime
    data_digest: str
    price_source: str
    code_version: str
    dagster_run_id: str

    def to_json(self) -> dict[str, str]:
        """As JSON holds it."""
        return {
            name: iso(value) if isinstance(value, datetime) else str(value)
            for name, value in asdict(self).items()
        }


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


def reached(made: Backtest, model: str) -> dict[str, Any]:
    """What a walk-forward gives to a version: its intervals, its figures by horizon and when they were measured."""
    rows = {row.horizon: row for row in made.table() if row.model == model}
    return {
        "conformal": made.calibrations[model],
        "figures": {
            "start": str(made.start),
            "last": str(made.last),
            "horizons": {str(horizon): asdict(row) for horizon, row in rows.items()},
        },
        "losses": Losses.of(made, model).npz(),
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
    manifest = {
        "format": _FORMAT,
        "facts": version.facts.to_json(),
        "files": {name: artifact.digest(content) for name, content in sorted(files.items())},
    }
    return {**files, MANIFEST: _json(manifest)}


def unpack(files: Mapping[str, bytes], manifest_digest: str) -> GlobalVersion:
    """Verify the files, and only then load the version.

    Raises:
        ArtifactRefused: a file is missing, was altered or is not named in the manifest, or this version of the code
            cannot read it.
    """
    artifact.compare(MANIFEST, files, manifest_digest)
    try:
        manifest = json.loads(files[MANIFEST])
        named = dict(manifest["files"])
        if manifest["format"] != _FORMAT or not _REQUIRED <= set(named) <= _ALLOWED:
            raise ArtifactRefused(f"{MANIFEST} names what this version of the code does not read")
        for name, expected in named.items():
            artifact.compare(name, files, str(expected))
        held = {name: files[name] for name in named}
        return GlobalVersion(
            _facts(manifest["facts"]),
            catalog.load_global(held),
            Conformal.from_json(json.loads(held[CONFORMAL])),
            Novelty.from_json(json.loads(held[NOVELTY])),
            json.loads(held[FIGURES]),
            held[LOSSES],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactRefused(f"the version cannot be loaded: {error!r}") from error


def _facts(value: Mapping[str, str]) -> GlobalFacts:
    instants = {name: datetime.fromisoformat(value[name]) for name in ("trained_at", "data_cutoff")}
    texts = {
        name: str(value[name]) for name in GlobalFacts.__dataclass_fields__ if name not in instants
    }
    return GlobalFacts(**texts, **instants)  # type: ignore[arg-type]  # two instants, the rest texts


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1).encode()
