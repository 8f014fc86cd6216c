"""Which version's forecast of a token and horizon people are shown, of all that are issued on a day."""

from collections.abc import Callable
from datetime import datetime

from coinsphere.settings import Settings
from ml.data.panel import Panel
from ml.registry import global_registry, token_listing
from ml.registry.global_registry import Serving
from ml.serving import ladder
from ml.serving.ladder import Rung

PublicVersion = Callable[[str, int], int | None]
"""The version of the global model whose forecast of a symbol and horizon is public; None where it is of none."""


def version_of(settings: Settings, serving: Serving, panel: Panel, now: datetime) -> PublicVersion:
    """Tells the highest rung that stands apart; where that is the token's own champion, none of the global model is public.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    standing = global_registry.standing(settings, serving, now)
    behind = {each.token_id: each.behind for each in token_listing.promotions(settings)}
    own = {
        symbol: behind[token_id]
        for symbol, token_id in zip(panel.symbols, panel.token_ids, strict=True)
        if token_id in behind
    }

    def version(symbol: str, horizon: int) -> int | None:
        rung = ladder.choose(
            champion=horizon in standing,
            of_token=symbol in own,
            baseline=serving.baseline is not None,
            is_behind=horizon in own.get(symbol, ()),
        )
        speakers = {
            Rung.GLOBAL_CHAMPION: standing.get(horizon),
            Rung.GLOBAL_BASELINE: serving.baseline,
        }
        return None if rung is None else speakers.get(rung)

    return version
