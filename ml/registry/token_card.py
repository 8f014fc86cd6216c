"""The card of a token's own model: what it is, what it was made from, what it reached, what it cannot do."""

from collections.abc import Sequence

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ml.evaluation.results import Score
from ml.models.artifact import TokenFacts
from ml.registry import model_card
from ml.registry.versions import Version

_METHODS = {
    "naive": "Tomorrow equals today: the median is the last close, the width the same at all times.",
    "ewma": "The median is the last close; the width follows EWMA(0.94) volatility and the root of the horizon.",
    "linear": "Ridge regression on the last 60 daily returns, one for each horizon; the width is the same at all times.",
    "lstm": (
        "The assessment's network: 60 daily steps, layers of 128, 64 and 32. Horizons beyond one day are answered by "
        "appending its own output; the width is the same at all times."
    ),
}
_LIMITS = (
    "It was scored on a seventh of one token's history with overlapping forecasts: the order of two models may be luck.",
    "Its intervals rest on the errors of a calibration part of the same length.",
    "It serves only where no champion of all tokens stands at the horizon.",
)


def write(facts: TokenFacts, scores: Sequence[Score]) -> str:
    """The card in Markdown; `scores` are those of all the token's models in one evaluation, none before the first."""
    return "\n".join(
        [
            f"# {facts.symbol}: {facts.algorithm}",
            "",
            _METHODS[facts.algorithm],
            "",
            (
                f"Trained {facts.trained_at:%Y-%m-%d %H:%M} UTC on daily closes up to {facts.data_cutoff:%Y-%m-%d}, prices: "
                f"{model_card.prices(facts)}. Nothing from {facts.held_out_from} on was seen by training or calibration."
            ),
            "",
            *model_card.provenance(facts),
            "",
            *_figures(facts, scores),
            *model_card.limits(_LIMITS),
        ]
    )


def keep(
    mlflow_client: MlflowClient, version: Version | ModelVersion, run_id: str, card: str
) -> None:
    """Show the card on the version's page, and keep it with its run."""
    model_card.keep(mlflow_client, version, run_id, {model_card.FILE: card.encode()}, card)


def _figures(facts: TokenFacts, scores: Sequence[Score]) -> list[str]:
    if not scores:
        return ["It was not evaluated yet."]
    first, last = scores[0].first_origin, max(score.last_origin for score in scores)
    rows = [
        f"| {score.horizon_days} | {_emphasis(score.algorithm, facts)} | {100 * score.pinball_loss:.3f} "
        f"| {100 * score.skill_vs_naive:+.1f} | {100 * score.coverage80:.1f} / {100 * score.coverage95:.1f} "
        f"| {score.forecasts} |"
        for score in sorted(scores, key=lambda score: score.horizon_days)
    ]
    return [
        f"## Held-out figures, origins {first} to {last}",
        "",
        "| days | model | pinball loss % | skill against naive % | in 80 / 95 % | forecasts |",
        "|---|---|---|---|---|---|",
        *rows,
    ]


def _emphasis(algorithm: str, facts: TokenFacts) -> str:
    return f"**{algorithm}**" if algorithm == facts.algorithm else algorithm
