"""What the asset catalogue shows of a forecasting step."""

import base64
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import dagster as dg
import pytest

from coinsphere.market.model import Token
from expectations.frames.features import LEAST_HISTORY
from ml.data import datasets, windows
from ml.errors import ArtifactRefused, NoChampion, TooLittleHistory
from ml.evaluation.results import Evaluation, Score, TrainedModel
from ml.serving.forecasting import Forecast
from orchestration.forecasting import token_metadata
from orchestration.forecasting.tokens import Outcome
from orchestration.metadata.tables import table

TOKEN = Token(UUID(int=1), "BTC", "Bitcoin", "Bitcoin", "bitcoin", None, None)
DAYS = [date(2026, 1, day) for day in (1, 2, 3, 5)]
SKIPPED = {"SOL": "SOL has no final daily close"}
IMAGE = b"\x89PNG"


@pytest.fixture
def closes():
    return datasets.from_closes(
        TOKEN, DAYS, [1.0, 2.0, 3.0, 4.0], price_source="test", location="here"
    )


def _model(algorithm: str = "naive") -> TrainedModel:
    return TrainedModel(
        token=TOKEN,
        algorithm=algorithm,
        name="coinsphere-btc",
        version=3,
        run_id="run",
        data_digest="d" * 64,
        code_version="c" * 40,
        files={},
        metrics={"loss": 0.123456},
        plots={"loss": IMAGE},
    )


def test_training_sets_name_their_gaps_and_who_was_passed_over(closes):
    facts = token_metadata.of_training_sets(Outcome({"BTC": closes}, SKIPPED))

    assert facts["dagster/row_count"].value == 4
    assert "| BTC | 4 | 1 | 2026-01-01 | 2026-01-05 | test |" in facts["training sets"].value
    assert facts["passed_over"].value == "- SOL: SOL has no final daily close"
    picture = facts["BTC prices"].value.removeprefix("![plot](data:image/png;base64,").rstrip(")")
    assert base64.b64decode(picture).startswith(b"\x89PNG\r\n")


def test_models_are_listed_with_their_figures_and_pictures():
    said = token_metadata.of_models("BTC", [_model("naive"), _model("lstm")])
    facts = token_metadata.together("models", Outcome({"BTC": said}, {}))

    assert facts["dagster/row_count"].value == 2
    assert "loss 0.1235" in facts["models"].value
    assert base64.b64encode(IMAGE).decode() in facts["BTC lstm loss"].value
    assert facts["passed_over"].value == "none"


def test_the_champion_stands_out_among_the_scores():
    scores = tuple(
        Score(algorithm, 3, "run", 1, DAYS[0], DAYS[-1], 60, loss, 0.02, 0.1, 0.8, 0.95)
        for algorithm, loss in (("naive", 0.02), ("lstm", 0.01))
    )
    made = Evaluation(TOKEN, "coinsphere-btc", "d", _model("lstm"), scores, datetime.now(UTC))

    said = token_metadata.of_evaluation("BTC", made)
    facts = token_metadata.together("scores", Outcome({"BTC": said, "ETH": said}, {}))
    assert facts["dagster/row_count"].value == 4

    lines = facts["scores"].value.splitlines()
    assert "| **lstm** | 0.01000 |" in lines[2]
    assert "| naive | 0.02000 |" in lines[3]
    assert "| BTC | lstm | 3 |" in facts["champions"].value


def test_forecasts_are_drawn_to_the_day_that_they_are_of(closes):
    origin = closes.data_cutoff
    forecast = Forecast(
        token_id=TOKEN.id,
        symbol=TOKEN.symbol,
        horizon_days=7,
        origin_at=origin,
        target_at=origin + timedelta(days=7),
        issued_at=origin,
        reference_price=Decimal(4),
        quantiles={
            level: Decimal(n) for n, level in enumerate(("0.025", "0.1", "0.5", "0.9", "0.975"), 2)
        },
        model_name="coinsphere-btc",
        model_version=3,
        algorithm="lstm",
        run_id="run",
        data_digest="d",
        code_version="c",
        price_source="test",
        is_backfill=False,
        input_digest="i",
    )

    facts = token_metadata.of_predictions(Outcome({"BTC": (closes, [forecast])}, {}))

    assert "| BTC | 7 | 4 | 4 | 3 to 5 | 2 to 6 |" in facts["forecasts"].value
    assert token_metadata._fan(forecast).target == DAYS[-1] + timedelta(days=7)
    assert facts["BTC forecast"].value.startswith("![plot](data:image/png")


def test_a_step_that_could_do_nothing_fails_and_says_why():
    with pytest.raises(dg.Failure, match="SOL has no final daily close") as raised:
        Outcome({}, SKIPPED).required()

    assert raised.value.allow_retries is False


def test_a_table_without_rows_says_so():
    assert table([]) == "none"
    assert table([{"a": 1, "b": 2}]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_the_suite_of_features_asks_for_the_history_that_training_needs():
    assert windows.minimum_days() == LEAST_HISTORY


class Nowhere:
    """A database whose tokens are all known."""

    def connection(self):
        raise AssertionError("not used")


@pytest.mark.parametrize(
    "error", [TooLittleHistory("3 days"), NoChampion("none"), ArtifactRefused("no files")]
)
def test_one_token_without_history_holds_up_no_other(monkeypatch, error):
    from orchestration.forecasting import tokens

    monkeypatch.setattr(tokens, "_token", lambda _, symbol: symbol)

    def work(symbol):
        if symbol == "SOL":
            raise error
        return symbol.lower()

    outcome = tokens.for_each(Nowhere(), ["BTC", "SOL", "ETH", "BTC"], work)

    assert outcome.done == {"BTC": "btc", "ETH": "eth"}
    assert outcome.skipped == {"SOL": str(error)}
