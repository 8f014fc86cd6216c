"""The page of capacity says what was measured, and the model's arithmetic is what it says."""

import json
from dataclasses import replace

import pytest

from bench.capacity import model, page
from bench.capacity.assumptions import Behaviour, Limits, Prices


@pytest.fixture(scope="module")
def figures():
    return page.read()


@pytest.fixture(scope="module")
def cost(figures):
    results, others = figures
    largest = max(results["worlds"].values(), key=lambda world: world["crowd"]["users"])
    return model.costs(largest, others, Behaviour())


def test_the_page_is_written_from_the_figures(figures) -> None:
    assert page.PAGE.read_text() == page.page(*figures), "run `python -m bench.capacity --page`"


def test_the_guides_costs_are_written_from_the_figures(figures) -> None:
    guide = page.GUIDE.read_text()
    assert guide == page.with_costs(guide, *figures), "run `python -m bench.capacity --page`"


def test_another_figure_is_another_page(figures) -> None:
    results, others = json.loads(json.dumps(figures))
    for world in results["worlds"].values():
        world["routes"]["/tokens"]["postgres_ms"] += 100
    assert page.page(results, others) != page.PAGE.read_text()
    guide = page.GUIDE.read_text()
    assert page.with_costs(guide, results, others) != guide


def test_shares_of_requests_are_all_of_them() -> None:
    assert sum(Behaviour().mix.values()) == pytest.approx(1)


def test_needs_by_hand(cost) -> None:
    people = Behaviour(
        requests_a_day=86.4, peak_factor=10, logins_a_day=0, changes_a_day=0, alerts=3
    )
    each = replace(cost, api_request=0.002, postgres_request=0.001, alert=0.001, mark=1, value=2)
    need = model.need(6_000, each, people, Limits(busy=0.5, night_hours=2))
    assert need.requests_s == pytest.approx(60)
    assert need.api_cores == pytest.approx(60 * 0.002 / 0.5)
    assert need.alert_seconds == pytest.approx(18)
    assert need.postgres_cores == pytest.approx((60 * 0.001 + 18 / 60) / 0.5)
    assert (need.night_hours, need.night_processes) == (pytest.approx(5), 3)


def test_what_is_full_first_stands_first(cost) -> None:
    slow = replace(cost, alert=1.0)
    first = next(iter(model.carried(slow, Behaviour(), Limits()).items()))
    assert first[0].startswith("the minute's alerts")
    assert first[1] == pytest.approx(60 * 0.6 / Behaviour().alerts, rel=0.01)


def test_a_bill_is_of_what_is_needed(cost) -> None:
    few, many = (
        model.bill(model.need(users, cost, Behaviour(), Limits()), Prices())
        for users in (1_000, 1_000_000)
    )
    assert (few.api_tasks, few.stream_tasks, few.worker_tasks, few.replica) == (2, 2, 2, False)
    assert few.total == pytest.approx(sum(few.parts.values()))
    assert many.api_tasks > few.api_tasks
    assert many.database_cores > few.database_cores
    assert many.replica
