"""What is made of closed days alone is out of sync when one of them changes, and not after each hour."""

import dagster as dg
import pytest

from orchestration.warehouse import data_versions

MANIFEST = {
    "nodes": {f"model.{name}": {"alias": name} for name in (data_versions.MODEL, "dim_tokens")}
}


@pytest.fixture
def version(owner, pool):
    """The version of the features as they are now."""
    owner.execute(
        """
        create schema if not exists marts;
        create table marts.ml_features_daily as
            select symbol, close, is_final from (values ('BTC', 1.0, true), ('BTC', 2.0, false)) as d (symbol, close, is_final);
        grant usage on schema marts to coinsphere_pipeline;
        grant select on marts.ml_features_daily to coinsphere_pipeline
        """
    )

    def told(model: str = data_versions.MODEL):
        output = dg.Output(None, "any", metadata={"unique_id": f"model.{model}"})
        (event,) = data_versions.versioned([output], MANIFEST, pool)
        assert event.metadata == output.metadata
        return event.data_version

    yield told
    owner.execute("drop table marts.ml_features_daily")


def test_the_open_day_changes_no_version(version, owner):
    before = version()
    owner.execute("update marts.ml_features_daily set close = 3 where not is_final")

    assert version() == before


@pytest.mark.parametrize("change", ["close = 3 where is_final", "is_final = true"])
def test_a_closed_day_does(version, owner, change):
    before = version()
    owner.execute(f"update marts.ml_features_daily set {change}")

    assert version() != before


def test_other_models_and_events_stay_as_they_are(version, pool):
    assert version("dim_tokens") is None
    assert list(data_versions.versioned(["any"], MANIFEST, pool)) == ["any"]


def test_a_version_that_cannot_be_told_fails_no_build(version, owner):
    owner.execute("revoke select on marts.ml_features_daily from coinsphere_pipeline")

    assert version() is None
