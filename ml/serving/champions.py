"""The champions that a server holds: replaced as a whole, so that a request sees one state from start to end."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

from coinsphere import log
from coinsphere.settings import Settings
from ml.errors import ArtifactRefused, RegistryUnavailable
from ml.registry import token_listing, token_registry
from ml.registry.token_listing import Listing, Promotion
from ml.registry.token_registry import Champion

_log = log.get("ml.serving.champions")


class Champions:
    """Champions by token. `refresh` may run in one thread while others read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._champions: Mapping[UUID, Champion] = MappingProxyType({})
        self._known: dict[Promotion, UUID] = {}
        self._lost: Mapping[UUID, str] = MappingProxyType({})

    def of(self, token_id: UUID) -> Champion | None:
        """The token's champion; None where it has none."""
        return self._champions.get(token_id)

    def is_behind(self, token_id: UUID, horizon: int) -> bool:
        """Whether the token has a champion that lost more at a horizon than the baseline did on the same days."""
        champion = self._champions.get(token_id)
        return champion is not None and horizon in champion.behind

    def lost(self, token_id: UUID) -> str | None:
        """Why a token that was evaluated has no champion, or not its newest; None where nothing is missing."""
        return self._lost.get(token_id)

    def symbols(self) -> list[str]:
        """Symbols of the tokens that have a champion, ascending."""
        return sorted(champion.facts.symbol for champion in self._champions.values())

    def refresh(self) -> None:
        """Load what the registry has promoted since the last time, and stop serving what it has taken back.

        Where MLflow does not answer, everything stays. Where it makes no sense of one model, or that one is refused, what
        its token had before stays, and all others are served as if nothing were.
        """
        try:
            listing = token_listing.listing(self._settings)
        except RegistryUnavailable as error:
            _log.warning("registry_unavailable", reason=str(error), serving=len(self._champions))
            return
        for name, why in listing.unreadable.items():
            _log.error("model_unreadable", model=name, reason=why)
        loaded = {
            promotion: self._load(promotion)
            for promotion in listing.promotions
            if promotion not in self._known
        }
        failed = {
            promotion.token_id: f"version {promotion.version} of {promotion.model_name} cannot be loaded: {result}"
            for promotion, result in loaded.items()
            if isinstance(result, str)
        }
        good = {
            promotion: result for promotion, result in loaded.items() if not isinstance(result, str)
        }
        self._swap(listing, good)
        self._lost = MappingProxyType({**listing.lost, **failed})

    def _load(self, promotion: Promotion) -> Champion | str:
        """The champion, or why there is none."""
        name, version = promotion.model_name, promotion.version
        try:
            champion = token_registry.load(self._settings, name, version)
        except (ArtifactRefused, RegistryUnavailable) as error:
            _log.error("model_refused", model=name, version=version, reason=str(error))
            return str(error)
        # The first forecast parses the network: here it costs no request any time.
        champion.warm_up()
        algorithm = champion.facts.algorithm
        _log.info("champion_loaded", model=name, version=version, algorithm=algorithm)
        return replace(champion, behind=promotion.behind)

    def _swap(self, listing: Listing, loaded: Mapping[Promotion, Champion]) -> None:
        by_name = {champion.model_name: champion for champion in self._champions.values()}
        champions = {
            champion.facts.token_id: champion
            for name, champion in by_name.items()
            if name in listing.unreadable
        }
        known = {}
        for promotion in listing.promotions:
            champion = loaded.get(promotion) or by_name.get(promotion.model_name)
            if champion is None:
                continue
            champions[champion.facts.token_id] = champion
            if (champion.model_name, champion.version) == (promotion.model_name, promotion.version):
                known[promotion] = champion.facts.token_id
        self._champions, self._known = MappingProxyType(champions), known


class Refreshed(Protocol):
    """What is refreshed."""

    def refresh(self) -> None:
        """Learn what is new."""
        ...


class Refresher(threading.Thread):
    """Refreshes what it is given every `seconds` until it is stopped."""

    def __init__(self, refreshed: Iterable[Refreshed], seconds: float) -> None:
        super().__init__(name="refresher", daemon=True)
        self._refreshed = tuple(refreshed)
        self._seconds = seconds
        self._stopping, self._began = threading.Event(), threading.Event()

    def run(self) -> None:
        """Refresh now and then; an error that nobody expected is logged, and the next round comes all the same."""
        while True:
            for part in self._refreshed:
                try:
                    part.refresh()
                except Exception:  # noqa: BLE001 - the thread must outlive it, and it is logged
                    _log.exception("refresh_failed")
            self._began.set()
            if self._stopping.wait(self._seconds):
                return

    def await_first(self, seconds: float) -> None:
        """Wait for the end of the first round, but no longer than that."""
        self._began.wait(seconds)

    def stop(self) -> None:
        """End after the round that is under way, without waiting for it."""
        self._stopping.set()
