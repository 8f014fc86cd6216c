"""A token, a random walk as a history, and the models fitted to it."""

from datetime import date, timedelta
from uuid import UUID

import numpy as np
import pytest

from coinsphere.market.model import Token
from ml.data import datasets, windows

TOKEN = Token(UUID("00000000-0000-4000-8000-000000000001"), "ABC", "Abc", "Abc", None, None, None)
DAYS = 420


def closes(seed: int = 3, days: int = DAYS) -> np.ndarray:
    """Closes of a random walk whose volatility changes slowly and strongly."""
    rng = np.random.default_rng(seed)
    volatility = 0.03 * np.exp(0.8 * np.sin(np.arange(days) / 40))
    return 1000 * np.exp(np.cumsum(volatility * rng.standard_normal(days)))


def training_set_of(prices: np.ndarray, token: Token = TOKEN) -> datasets.TrainingSet:
    """A gapless training set from 2024 on."""
    days = [date(2024, 1, 1) + timedelta(days=index) for index in range(len(prices))]
    return datasets.from_closes(token, days, prices, price_source="test", location="test")


@pytest.fixture(scope="session")
def series() -> windows.Series:
    """A history without gaps."""
    prices = closes()
    return windows.series(prices, np.ones(len(prices), dtype=bool))
