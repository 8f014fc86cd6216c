"""The card of a version of the global model: what it was made from, its figures beside every baseline, its limits, its expiry."""

from datetime import timedelta

from ml.evaluation import holdout_calendar, plots
from ml.evaluation.backtest import Backtest
from ml.evaluation.figures import Figures
from ml.evaluation.gate_report import GateReport
from ml.evaluation.plots import Skills
from ml.registry import model_card
from ml.registry.global_version import GlobalFacts

_LIMITS = (
    "It knows next to nothing of where the price will go: its median is the price that it starts from, or close to it.",
    "It was judged on tokens that are still traded: those that died are not among them.",
    "Prices are those of one venue for each token; another venue's differ.",
    "At 30 days four years hold 48 independent windows: the skill's sign changes from year to year.",
    "Intervals are of one token; those of a portfolio do not follow from them.",
    "Log returns have Student tails, so the price has no mean: only the median and quantiles are stated.",
)

_ELSEWHERE = "Pictures, and figures by year and token: the run's artifacts, `model_card/`."
_LONGEST_NOTE = 5000
"""What MLflow's database holds of a description."""


def write(
    facts: GlobalFacts,
    backtest: Backtest | None,
    report: GateReport | None,
    *,
    expiry_days: int,
    baseline_days: int,
) -> dict[str, bytes]:
    """The card in Markdown and its pictures, by file name.

    Args:
        facts: what is known of the version.
        backtest: its walk-forward; None where there were too few days for one.
        report: how its gates judged it; None of a baseline, which has none to pass.
        expiry_days: after which it is stale.
        baseline_days: after which the baseline takes its place.
    """
    lines = _head(facts, expiry_days, baseline_days)
    if backtest is None:
        lines += ["", "Too few days for a walk-forward: it has no figures of its own."]
    else:
        lines += [
            *_data(backtest),
            *_figures(backtest.table()),
            *_slices(backtest, facts.algorithm),
        ]
    if report is not None:
        lines += _gates(report)
    lines += model_card.limits(_LIMITS)
    return {model_card.FILE: "\n".join(lines).encode(), **_pictures(facts, backtest)}


def _pictures(facts: GlobalFacts, backtest: Backtest | None) -> dict[str, bytes]:
    if backtest is None:
        return {}
    rows = [row for row in backtest.table() if row.model == facts.algorithm]
    subject = plots.subject("all tokens", facts.price_source)
    title = f"{subject}, {facts.algorithm}"
    return {
        "skill.png": _skill(backtest, subject),
        "pit.png": plots.pit({row.horizon: row.pit_histogram for row in rows}, title),
        "coverage.png": plots.coverage(
            {facts.algorithm: [(row.coverage80, row.coverage95) for row in rows]}, title
        ),
    }


def _skill(backtest: Backtest, subject: str) -> bytes:
    """Skill of every model but the one that it is measured against."""
    table = backtest.table()
    skills = []
    for model in backtest.scores:
        rows = [row for row in table if row.model == model]
        if any(row.skill for row in rows):
            values = {row.horizon: row.skill for row in rows}
            skills.append(Skills(model, values, {row.horizon: row.skill_error for row in rows}))
    return plots.skill(skills, "EWMA(0.94), normal", f"{subject}: CRPS in the walk-forward")


def note(card: bytes) -> str:
    """The card without slices and pictures, which MLflow's own pages cannot show: they lie among the run's artifacts."""
    parts = card.decode().split("\n## ")
    chosen = [part for part in parts if not part.startswith("By ")]
    lines = "\n## ".join(chosen).splitlines()
    text = "\n".join(line for line in lines if not line.startswith("![")).strip()
    return f"{_ELSEWHERE}\n\n{text}"[:_LONGEST_NOTE]


def _head(facts: GlobalFacts, expiry_days: int, baseline_days: int) -> list[str]:
    return [
        f"# All tokens: {facts.algorithm}",
        "",
        (
            f"Trained {facts.trained_at:%Y-%m-%d %H:%M} UTC on days up to {facts.data_cutoff:%Y-%m-%d}, "
            f"prices: {model_card.prices(facts)}."
        ),
        (
            f"Stale from {facts.data_cutoff + timedelta(days=expiry_days):%Y-%m-%d}, replaced by the baseline from "
            f"{facts.data_cutoff + timedelta(days=baseline_days):%Y-%m-%d}."
        ),
        "",
        *model_card.provenance(facts),
        f"- Dagster run `{facts.dagster_run_id}`",
    ]


def _data(backtest: Backtest) -> list[str]:
    calendar = holdout_calendar.load()
    symbols = backtest.features.panel.symbols
    return [
        f"- {len(symbols)} tokens: {', '.join(symbols)}; pegged, so not scored: {', '.join(backtest.pegged()) or 'none'}",
        f"- walk-forward over origins {backtest.start} to {backtest.last}",
        (
            f"- choices were made on {calendar.development[0]} to {calendar.development[1]}, with "
            f"{calendar.configurations_tried} configurations tried; vault year {calendar.vault[0]} to {calendar.vault[1]}"
        ),
        "",
        "![skill](skill.png) ![coverage](coverage.png) ![PIT](pit.png)",
    ]


def _figures(rows: list[Figures]) -> list[str]:
    lines = [
        "",
        "## Walk-forward",
        "",
        "| days | model | CRPS % | skill % | DM t | log gain | in 80 / 95 % | per token off by | PIT |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.horizon} | {row.model} | {100 * row.crps:.3f} | {100 * row.skill:+.2f} ± {100 * row.skill_error:.2f} "
        f"| {row.dm_t:+.1f} | {row.log_gain:+.3f} | {100 * row.coverage80:.2f} / {100 * row.coverage95:.2f} "
        f"| {100 * row.token_error80:.2f} / {100 * row.token_error95:.2f} | {row.pit_distance:.3f} |"
        for row in rows
    ]
    return lines


def _slices(backtest: Backtest, model: str) -> list[str]:
    lines = []
    for title, rows in (("year", backtest.by_year(model)), ("token", backtest.by_token(model))):
        lines += [
            "",
            f"## By {title}",
            "",
            f"| {title} | days | skill % | in 80 / 95 % |",
            "|---|---|---|---|",
        ]
        lines += [
            f"| {row.of} | {row.horizon} | {100 * row.skill:+.2f} | {100 * row.coverage80:.1f} / {100 * row.coverage95:.1f} |"
            for row in rows
        ]
    return lines


def _gates(report: GateReport) -> list[str]:
    lines = ["", "## Gates", "", "| gate | | why |", "|---|---|---|"]
    lines += [
        f"| {gate.name} | {'passed' if gate.passed else '**refused**'} | {'; '.join(map(str, gate.reasons))} |"
        for gate in report.gates
    ]
    return lines
