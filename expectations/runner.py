"""Runs a suite over a table; reports for each rule whether it held, and which rows broke it."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd

from expectations import data_docs
from expectations.data_docs import Site
from expectations.suites.rules import Rule, Severity

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one rule: how many rows broke it, the first of them by their labels, and where they all stand."""

    rule: Rule
    passed: bool
    unexpected: int
    examples: tuple[Mapping[str, str], ...]
    detail: str
    rows: tuple[int, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether what lies downstream must not use the table: no rows could be named that are wrong."""
        return not self.passed and self.rule.severity is Severity.CRITICAL and not self.is_of_rows

    @property
    def is_of_rows(self) -> bool:
        """Whether it names rows that can be set aside."""
        return self.rule.sets_aside is not None and bool(self.rows)


def validate(
    frame: pd.DataFrame, rules: Sequence[Rule], labels: Sequence[str], site: Site | None = None
) -> list[Finding]:
    """Check `frame` against `rules`, in their order.

    Args:
        frame: has the columns that the rules name; one that lacks breaks its rule, as one that has a wrong type does.
        rules: a suite.
        labels: columns by which a person finds a row.
        site: where Great Expectations' pages of it are built; None for nowhere.
    """
    with _quiet(), _context(site) as context:
        outcome = _outcome(context, frame, rules, site.suite if site else "suite")
    by_name = {_name(result): result for result in outcome.results}
    return [_finding(rule, by_name[rule.name], frame, labels) for rule in rules]


@contextmanager
def _context(site: Site | None) -> Iterator[Any]:
    import great_expectations as gx  # noqa: PLC0415 - takes 4 to 7 s

    if site is None:
        yield gx.get_context(mode="ephemeral")
    else:
        with data_docs.opened(site) as context:
            yield context


def _outcome(context: Any, frame: pd.DataFrame, rules: Sequence[Rule], name: str) -> Any:
    import great_expectations as gx  # noqa: PLC0415 - the same
    from great_expectations.data_context.types.base import (  # noqa: PLC0415 - the same
        ProgressBarsConfig,
    )

    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    source = context.data_sources.add_or_update_pandas(name)
    batch = source.add_dataframe_asset("frame").add_batch_definition_whole_dataframe("all")
    expectations = [_expectation(gx, rule) for rule in rules]
    suite = context.suites.add_or_update(gx.ExpectationSuite(name=name, expectations=expectations))
    definition = context.validation_definitions.add_or_update(
        gx.ValidationDefinition(name=name, data=batch, suite=suite)
    )
    return definition.run(
        batch_parameters={"dataframe": frame}, result_format={"result_format": "COMPLETE"}
    )


def _expectation(gx: Any, rule: Rule) -> Any:
    arguments = {name: value for name, value in rule.arguments.items() if value is not None}
    return getattr(gx.expectations, rule.kind)(
        **arguments, severity=rule.severity.value, meta={"name": rule.name}
    )


def _name(result: Any) -> str:
    return str(result.expectation_config.meta["name"])


def _finding(rule: Rule, result: Any, frame: pd.DataFrame, labels: Sequence[str]) -> Finding:
    facts = result.result
    rows = facts.get("unexpected_index_list") or []
    return Finding(
        rule=rule,
        passed=bool(result.success),
        unexpected=int(facts.get("unexpected_count") or 0),
        examples=() if result.success else _examples(rule, rows, frame, labels),
        detail=_trouble(result) or _observed(facts),
        rows=() if result.success else tuple(int(row) for row in rows),
    )


def _examples(
    rule: Rule, rows: Sequence[int], frame: pd.DataFrame, labels: Sequence[str]
) -> tuple[Mapping[str, str], ...]:
    columns = [name for name in (*labels, rule.arguments.get("column")) if name in frame.columns]
    shown = frame.loc[list(rows[:_SHOWN]), list(dict.fromkeys(columns))]
    return tuple(
        {str(name): _text(value) for name, value in row.items()}
        for row in shown.to_dict(orient="records")
    )


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return value.date().isoformat()
    return str(value)


def _observed(facts: Mapping[str, Any]) -> str:
    observed = facts.get("observed_value")
    return "" if observed is None else f"observed: {observed}"


def _trouble(result: Any) -> str:
    """What kept the rule from being checked; empty where nothing did."""
    raised = result.exception_info or {}
    infos = [raised] if "raised_exception" in raised else list(raised.values())
    messages = [
        str(info.get("exception_message")) for info in infos if info.get("raised_exception")
    ]
    return "; ".join(dict.fromkeys(messages))


@contextmanager
def _quiet() -> Iterator[None]:
    """No telemetry, and no log line for each metric of Great Expectations."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
