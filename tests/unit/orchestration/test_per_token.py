"""Symbols as keys of steps."""

import pytest

from orchestration.forecasting import per_token


@pytest.mark.parametrize("symbol", ["BTC", "1INCH", "USDC.E", "A_B", "É-1", "_", "A_2e_"])
def test_any_symbol_can_name_a_step_and_comes_back(symbol):
    key = per_token.step_key(symbol)
    assert key.isascii()
    assert key.replace("_", "").isalnum()
    assert per_token.symbol_of(key) == symbol
