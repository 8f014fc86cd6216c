"""Snapshots: what they refuse, and that the digest names the content."""

from datetime import date, timedelta

import numpy as np
import pytest

from ml.data import datasets
from ml.errors import BadHistory, TooLittleHistory
from tests.unit.ml.conftest import TOKEN, closes, training_set_of


def _set(days, prices):
    return datasets.from_closes(TOKEN, days, prices, price_source="test", location="here")


def test_a_snapshot_reads_back_from_its_text():
    made = training_set_of(closes(days=50))
    again = datasets.from_csv(TOKEN, made.csv(), price_source="test", location="elsewhere")
    assert again.digest == made.digest
    assert (again.closes == made.closes).all()


def test_the_digest_depends_on_every_part():
    days = [date(2024, 1, 1), date(2024, 1, 2)]
    digests = {
        _set(days, [1.0, 2.0]).digest,
        _set(days, [1.0, np.nextafter(2.0, 3.0)]).digest,
        _set([date(2024, 1, 1), date(2024, 1, 3)], [1.0, 2.0]).digest,
        datasets.from_closes(TOKEN, days, [1.0, 2.0], price_source="other", location="here").digest,
    }
    assert len(digests) == 4


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_what_no_price_is_gets_refused(price):
    with pytest.raises(BadHistory, match="positive finite"):
        _set([date(2024, 1, 1), date(2024, 1, 2)], [1.0, price])


def test_days_ascend():
    with pytest.raises(BadHistory, match="ascend"):
        _set([date(2024, 1, 2), date(2024, 1, 2)], [1.0, 2.0])


def test_nothing_is_too_little():
    with pytest.raises(TooLittleHistory):
        _set([], [])


def test_a_column_that_is_missing_is_named():
    with pytest.raises(BadHistory, match=r"x\.csv.*close"):
        datasets.from_csv(TOKEN, "date,price\n2024-01-01,1\n", price_source="t", location="x.csv")


def test_the_cutoff_is_the_close_of_the_last_day():
    made = _set([date(2024, 1, 1), date(2024, 1, 5)], [1.0, 2.0])
    assert made.data_cutoff.date() == made.last_day + timedelta(days=1)


def test_a_gap_repeats_the_last_close_and_is_known_as_such():
    made = _set([date(2024, 1, 1), date(2024, 1, 4)], [1.0, 2.0])
    filled, known = made.calendar()
    assert filled.tolist() == [1.0, 1.0, 1.0, 2.0]
    assert known.tolist() == [True, False, False, True]
