"""From what a version expects to a forecast in prices: one way for every family, shared by log, server and `reproduce`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from ml.registry import code_version

if TYPE_CHECKING:
    from ml.registry.versions import VersionInfo


class Distribution(Protocol):
    """What a version expects of one token at one horizon, as a distribution of the log return."""

    @property
    def symbol(self) -> str:
        """Of the token."""
        ...

    @property
    def horizon_days(self) -> int:
        """Days from the origin."""
        ...

    @property
    def origin_at(self) -> datetime:
        """Close of the last day that it knows."""
        ...

    @property
    def in_distribution(self) -> bool:
        """Whether the day is of a kind that the model was trained on."""
        ...

    @property
    def factors(self) -> tuple[str, ...]:
        """What moved its width, in words."""
        ...

    def quantiles(self, reference: Decimal, share: float = 1.0) -> dict[str, Decimal]:
        """Prices by level.

        Args:
            reference: the price that the forecast is anchored on.
            share: of the horizon that is still to come; what has passed moves the price no more.
        """
        ...

    def parameters(self) -> Mapping[str, object]:
        """What the prediction log keeps of it beside its quantiles, by column; empty where these say all."""
        ...


@dataclass(frozen=True, slots=True)
class Basis:
    """What a forecast starts from: the exact close of the origin, and the candles that it was computed from."""

    token_id: UUID
    reference_price: Decimal
    price_source: str
    input_digest: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast as the prediction log keeps it; prices in US dollars, quantiles by level."""

    token_id: UUID
    symbol: str
    horizon_days: int
    origin_at: datetime
    target_at: datetime
    issued_at: datetime
    reference_price: Decimal
    quantiles: Mapping[str, Decimal]
    model_name: str
    model_version: int
    algorithm: str
    run_id: str
    data_digest: str
    code_version: str
    price_source: str
    is_backfill: bool
    input_digest: str
    """Of the candles that it was computed from."""
    parameters: Mapping[str, object] = field(default_factory=dict, repr=False)
    """Of its distribution, by column of the log."""
    plots: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def median(self) -> Decimal:
        """The price that the outcome lies above as likely as below."""
        return self.quantiles["0.5"]

    @property
    def interval80(self) -> tuple[Decimal, Decimal]:
        """The central 80 % interval."""
        return self.quantiles["0.1"], self.quantiles["0.9"]

    @property
    def interval95(self) -> tuple[Decimal, Decimal]:
        """The central 95 % interval."""
        return self.quantiles["0.025"], self.quantiles["0.975"]


def forecast(
    version: "VersionInfo", expected: Distribution, basis: Basis, issued_at: datetime
) -> Forecast:
    """What the version expects, in prices from the basis on; a backfill where its target has passed already."""
    target_at = expected.origin_at + timedelta(days=expected.horizon_days)
    return Forecast(
        token_id=basis.token_id,
        symbol=expected.symbol,
        horizon_days=expected.horizon_days,
        origin_at=expected.origin_at,
        target_at=target_at,
        issued_at=issued_at,
        reference_price=basis.reference_price,
        quantiles=expected.quantiles(basis.reference_price),
        model_name=version.name,
        model_version=version.number,
        algorithm=version.algorithm,
        run_id=version.run_id,
        data_digest=version.data_digest,
        code_version=code_version.current(),
        price_source=basis.price_source,
        is_backfill=issued_at >= target_at,
        input_digest=basis.input_digest,
        parameters=expected.parameters(),
    )
