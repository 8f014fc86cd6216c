"""An asset whose work is one step for each token, so that it spreads over whatever executor its job has.

The steps hand each other nothing through Dagster's storage, which workers on other machines would have to share: what a
step found stands in the event log, as an observation of the asset that names the token. The last step collects them.
"""

import re
from collections.abc import Callable, Iterator, Mapping

import dagster as dg

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.market.model import Token
from coinsphere.settings import Settings
from ml.training import child_processes
from orchestration import automation
from orchestration.execution import failures
from orchestration.forecasting.token_metadata import Metadata, together
from orchestration.forecasting.tokens import Outcome, TokenChoice, for_each

Work = Callable[[Settings, Database, Clock, str, Token], Metadata]
"""Does the work for one token in the run of that id, and says what people look for afterwards."""

_SYMBOL = "symbol"
_PASSED_OVER = "passed_over"
_NEWEST = 1000
"""Observations that are searched for those of this run: far more than there are tokens."""
_STRANGE = re.compile(r"[^A-Za-z0-9]")
_WRITTEN = re.compile(r"_([0-9a-f]+)_")


def build(
    key: dg.AssetKey,
    after: dg.AssetKey,
    features: dg.AssetKey,
    work: Work,
    *,
    counted: str,
    kinds: set[str],
) -> dg.AssetsDefinition:
    """The asset: a step that names the tokens, one for each of them, and one that collects.

    Args:
        key: of the asset.
        after: the asset of the step before.
        features: the mart.
        work: what is done for a token; one that cannot be worked on is passed over with the reason. Its docstring
            describes the asset.
        counted: the table of `work`'s metadata whose rows are the asset's.
        kinds: shown in the UI.
    """
    name = key.path[-1]
    choose, of_token, collect = _choose(name), _of_token(name, key, work), _collect(key, counted)

    @dg.config_mapping
    def mapping(tokens: TokenChoice) -> dict[str, object]:
        return {choose.name: {"config": {"tokens": tokens.tokens}}}

    @dg.graph_asset(
        key=key,
        ins={
            "after": dg.AssetIn(after, dagster_type=dg.Nothing),
            "features": dg.AssetIn(features, dagster_type=dg.Nothing),
        },
        config=mapping,
        group_name="forecasting",
        owners=["team:ml"],
        kinds=kinds,
        description=work.__doc__,
    )
    # Dagster hands over its own handles when it composes the steps.
    def asset(after, features):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return collect(choose(after=after, features=features).map(of_token).collect())

    return asset.map_asset_specs(
        lambda spec: dg.apply_freshness_policy(spec, automation.weekly_or_late())
    )


def _choose(name: str) -> dg.OpDefinition:
    @dg.op(
        name=f"{name}_tokens",
        ins={"after": dg.In(dg.Nothing), "features": dg.In(dg.Nothing)},
        out=dg.DynamicOut(dg.Nothing),
        retry_policy=failures.PATIENT,
        description="One step for each token.",
    )
    def choose(
        config: TokenChoice, settings: dg.ResourceParam[Settings]
    ) -> Iterator[dg.DynamicOutput[None]]:
        for symbol in dict.fromkeys(config.chosen(settings)):
            yield dg.DynamicOutput(None, mapping_key=step_key(symbol))

    return choose


def _of_token(name: str, key: dg.AssetKey, work: Work) -> dg.OpDefinition:
    @dg.op(
        name=f"{name}_of",
        ins={"ready": dg.In(dg.Nothing)},
        out=dg.Out(dg.Nothing),
        retry_policy=failures.PATIENT,
        description=work.__doc__,
    )
    @failures.classified()
    def of_token(
        context: dg.OpExecutionContext,
        settings: dg.ResourceParam[Settings],
        database: dg.ResourceParam[Database],
        clock: dg.ResourceParam[Clock],
    ) -> None:
        child_processes.end_with_parent()
        symbol = symbol_of(context.get_mapping_key() or "")
        outcome = for_each(
            database,
            [symbol],
            lambda token: work(settings, database, clock, context.run_id, token),
        )
        metadata = outcome.done.get(symbol) or {
            _PASSED_OVER: dg.MetadataValue.text(outcome.skipped[symbol])
        }
        context.log_event(dg.AssetObservation(key, metadata={_SYMBOL: symbol, **metadata}))

    return of_token


def _collect(key: dg.AssetKey, counted: str) -> dg.OpDefinition:
    @dg.op(
        name=f"{key.path[-1]}_collected",
        ins={"done": dg.In(dg.Nothing)},
        out=dg.Out(dg.Nothing),
        retry_policy=failures.PATIENT,
        description="What was found for all tokens; fails where none could be worked on.",
    )
    def collect(context: dg.OpExecutionContext) -> None:
        context.add_output_metadata(together(counted, _found(context, key).required()))

    return collect


def _found(context: dg.OpExecutionContext, key: dg.AssetKey) -> Outcome[Metadata]:
    """What the steps of this run said of each token; a run that goes on for another has its steps too."""
    runs = {context.run_id, context.run.parent_run_id, context.run.root_run_id}
    newest: dict[str, Mapping[str, dg.MetadataValue]] = {}
    for record in context.instance.fetch_observations(key, limit=_NEWEST).records:
        metadata = record.asset_observation.metadata if record.asset_observation else {}
        if record.run_id in runs and _SYMBOL in metadata:
            newest.setdefault(str(metadata[_SYMBOL].value), metadata)
    ordered = sorted(newest.items())
    return Outcome(
        {
            symbol: {name: value for name, value in metadata.items() if name != _SYMBOL}
            for symbol, metadata in ordered
            if _PASSED_OVER not in metadata
        },
        {
            symbol: str(metadata[_PASSED_OVER].value)
            for symbol, metadata in ordered
            if _PASSED_OVER in metadata
        },
    )


def step_key(symbol: str) -> str:
    """A symbol as the key of a step, which may hold letters, digits and underscores alone."""
    return _STRANGE.sub(lambda match: f"_{ord(match.group()):x}_", symbol)


def symbol_of(key: str) -> str:
    """The symbol that `step_key` made a key of."""
    return _WRITTEN.sub(lambda match: chr(int(match.group(1), 16)), key)
