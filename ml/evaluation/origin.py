"""A scored forecast of a day that its model had not seen: a plain record, cheap to import."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Origin(NamedTuple):
    """A forecast of log returns that no part of its model had seen the outcome of.

    `quantiles` are at LEVELS; `reference_log_scale` is that of the random walk which skill is measured against.
    """

    token_id: UUID
    horizon_days: int
    origin_at: datetime
    quantiles: tuple[float, ...]
    reference_log_scale: float | None = None
