"""Which errors are retried."""

import dagster as dg
import psycopg
import psycopg_pool
import pytest

from coinsphere.errors import BadPayload, ConfigurationError, NotListed, RateLimited, Unavailable
from orchestration.execution.failures import classified


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("kraken", "502"),
        RateLimited("kraken", "slow down"),
        psycopg.OperationalError("the database system is starting up"),
        psycopg_pool.PoolTimeout("no connection"),
    ],
)
def test_what_may_pass_reaches_the_retry_policy(error):
    with pytest.raises(type(error)) as raised, classified():
        raise error

    assert raised.value is error


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("COINSPHERE_MARKET is wrong"),
        NotListed("kraken", "SHIB"),
        BadPayload("kraken", "not JSON"),
        psycopg.errors.CheckViolation("price"),
        ZeroDivisionError("division by zero"),
    ],
)
def test_what_cannot_pass_is_never_retried(error):
    with pytest.raises(dg.Failure) as raised, classified():
        raise error

    assert raised.value.allow_retries is False
    assert raised.value.__cause__ is error
    assert str(error) in raised.value.description


def test_a_provider_that_says_when_is_asked_then():
    with pytest.raises(dg.RetryRequested) as raised, classified():
        raise RateLimited("kraken", "slow down", retry_after=42.0)

    assert raised.value.seconds_to_wait == 42.0


def test_an_asset_in_a_run_is_tried_again_only_for_what_may_pass():
    tries = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=2))
    @classified()
    def passing() -> None:
        tries.append("passing")
        if len(tries) < 3:
            raise Unavailable("kraken", "502")

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=2))
    @classified()
    def wrong() -> None:
        tries.append("wrong")
        raise ConfigurationError("no")

    assert dg.materialize([passing]).success
    assert tries == ["passing"] * 3
    assert not dg.materialize([wrong], raise_on_error=False).success
    assert tries.count("wrong") == 1
