"""The origin of this database's prices: decided once, recorded in it, never mixed afterwards."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere import log
from coinsphere.errors import ConfigurationError
from coinsphere.settings import Settings

SIMULATED = "simulated"
"""Name of the simulated source, in the origin as in every row."""

Probe = Callable[[Settings], bool]
"""Answers within a few seconds whether live public prices can be reached."""

_GET = "select source, location, seed, decided_at from market.origin"
_RECORD = """
    insert into market.origin (source, location, seed)
    values (%(source)s, %(location)s, %(seed)s)
    on conflict (is_only) do nothing
"""

_log = log.get("market.origin")


@dataclass(frozen=True, slots=True)
class Origin:
    """The decision: `location` is the folder of `files`, `seed` that of `simulated`."""

    source: Literal["live", "files", "simulated"]
    location: str | None
    seed: int | None
    decided_at: datetime

    @property
    def is_simulated(self) -> bool:
        """Whether prices are made up."""
        return self.source == SIMULATED


def get(conn: Connection) -> Origin | None:
    """The origin; None before it was decided."""
    return conn.cursor(row_factory=class_row(Origin)).execute(_GET).fetchone()


def decide(conn: Connection, setting: str, settings: Settings, *, probe: Probe) -> Origin:
    """Decide the origin, or confirm the decision taken before.

    Args:
        conn: a connection; the caller owns the transaction.
        setting: `auto`, `live`, `simulated`, `files` or `files:DIR`, as `Settings.market`.
        settings: the seed of a simulated market is taken from them.
        probe: asked for `auto` only, where nothing is decided yet.

    Raises:
        ConfigurationError: the database holds prices of another origin, or the folder does not exist.
    """
    taken = get(conn)
    if taken is None:
        wanted = _resolve(setting, settings, probe)
        conn.execute(_RECORD, wanted)
        taken = get(conn)
        if taken is None:
            raise AssertionError("the origin was recorded and cannot be read")
        _announce(taken)
    _refuse_change(taken, setting, settings)
    return taken


def require_real(conn: Connection, location: Path) -> Origin:
    """The origin, which must be real prices; where none is decided yet, imported files from `location` decide it.

    Raises:
        ConfigurationError: this database holds simulated prices.
    """
    if get(conn) is None:
        conn.execute(_RECORD, {"source": "files", "location": str(location), "seed": None})
    taken = get(conn)
    refuse_mix(taken, str(location))
    if taken is None:
        raise AssertionError("the origin was recorded and cannot be read")
    return taken


def refuse_mix(origin: Origin | None, source: str) -> None:
    """Raise where rows of `source` must not be stored in a database of this origin.

    Raises:
        ConfigurationError: simulated rows would meet real ones, or nothing is decided yet.
    """
    if origin is None:
        raise ConfigurationError(
            "Where prices come from is not decided yet: run `coinsphere up`, or `coinsphere market import DIR`."
        )
    if origin.is_simulated != (source == SIMULATED):
        raise ConfigurationError(
            f"Prices from {source} may not be stored: this database holds {_describe(origin)}, and real and "
            "simulated prices never share one. To begin anew, remove the local state with `make clean-state`."
        )


def _resolve(setting: str, settings: Settings, probe: Probe) -> dict[str, str | int | None]:
    kind, _, location = setting.partition(":")
    if kind == "auto":
        kind = "live" if probe(settings) else SIMULATED
    return {
        "source": kind,
        "location": _folder(location),
        "seed": settings.market_seed if kind == SIMULATED else None,
    }


def _folder(location: str) -> str | None:
    if not location:
        return None
    folder = Path(location).expanduser().resolve()
    if not folder.is_dir():
        raise ConfigurationError(f"COINSPHERE_MARKET: there is no folder {folder}.")
    return str(folder)


def _refuse_change(taken: Origin, setting: str, settings: Settings) -> None:
    kind, _, location = setting.partition(":")
    same = kind in ("auto", taken.source)
    if location:
        same = same and str(Path(location).expanduser().resolve()) == taken.location
    if kind == SIMULATED:
        same = same and settings.market_seed == taken.seed
    if not same:
        wanted = f"{setting}, seed {settings.market_seed}" if kind == SIMULATED else setting
        raise ConfigurationError(
            f"COINSPHERE_MARKET asks for {wanted}, but this database holds {_describe(taken)} since "
            f"{taken.decided_at:%Y-%m-%d %H:%M} UTC, and prices of two origins never share one. Keep the old "
            "setting, or remove the local state with `make clean-state` and start again."
        )


def _describe(origin: Origin) -> str:
    details = {
        "live": "live prices",
        "files": f"prices from files in {origin.location}" if origin.location else "imported files",
        "simulated": f"simulated prices (seed {origin.seed})",
    }
    return details[origin.source]


def _announce(origin: Origin) -> None:
    if origin.is_simulated:
        _log.warning("PRICES ARE SIMULATED: no figure here is a real market's", seed=origin.seed)
    else:
        _log.info("origin of prices decided", source=origin.source, location=origin.location)
