"""The heat map: values of each measure, their levels, and the order of days."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from coinsphere.market.quality.health import TokenDay, VenueDay
from webapi.admin.data.health import DataHealth, TokenHealth, VenueHealth
from webui.pages.admin import heat_map
from webui.pages.admin.heat_map import Measure

DAYS = [date(2026, 3, day) for day in (8, 9)]
ID = UUID(int=1)


@pytest.fixture
def health():
    token = [
        TokenDay(ID, "BTC", DAYS[0], 0, None, None, None, None, 0, 0),
        TokenDay(ID, "BTC", DAYS[1], 12, 24, None, 400.0, Decimal("31.5"), 2, 6),
    ]
    venue = [
        VenueDay("okx", DAYS[0], 0, 0, 0, None, None, 1, 0),
        VenueDay("okx", DAYS[1], 4, 1, 0, 90.0, Decimal(301), 0, 26),
    ]
    return DataHealth(
        *DAYS,
        [TokenHealth(ID, "BTC", token)],
        [VenueHealth("okx", venue)],
        None,
        datetime(2026, 3, 9),  # noqa: DTZ001 - not looked at
    )


@pytest.mark.parametrize(
    ("measure", "token", "venue"),
    [
        (Measure.COMPLETENESS, [(50, 3), (None, None)], [(25, 4), (None, None)]),
        (Measure.FRESHNESS, [(400 / 60, 1), (None, None)], [(1.5, 0), (None, None)]),
        (Measure.DISAGREEMENT, [(31.5, 2), (None, None)], [(301, 4), (None, None)]),
        (Measure.QUARANTINE, [(2, 2), (0, 0)], [(0, 0), (1, 1)]),
        (Measure.REVISIONS, [(6, 3), (0, 0)], [(26, 4), (0, 0)]),
    ],
)
def test_each_measure_has_values_and_levels_newest_day_first(health, measure, token, venue):
    drawn = heat_map.drawn(health, measure)
    assert drawn.days == (DAYS[1], DAYS[0])
    assert [(row.name, [(c.value, c.level) for c in row.cells]) for row in drawn.tokens] == [
        ("BTC", token)
    ]
    assert [(row.name, [(c.value, c.level) for c in row.cells]) for row in drawn.venues] == [
        ("okx", venue)
    ]


def test_nothing_is_drawn_of_nothing(health):
    empty = DataHealth(*DAYS, [], [], None, health.timestamp)
    assert heat_map.drawn(empty, Measure.COMPLETENESS) == heat_map.HeatMap((), (), ())
