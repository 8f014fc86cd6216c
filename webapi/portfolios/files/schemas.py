"""Request and response bodies of imports and exports."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from webapi.http.schema import Amount, Input, Line, Output, Query
from webapi.portfolios.examples import AT, ID, example

_ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class AnswersIn(Input):
    """Answers to what a file leaves open; what is not given stays as it was."""

    model_config = ConfigDict(json_schema_extra={"example": {"dateOrder": "dmy"}})

    number_format: Literal["point", "comma"] | None = Field(
        None, description="What stands before a fraction: 1,234.56 or 1.234,56."
    )
    date_order: Literal["dmy", "mdy", "ymd"] | None = Field(
        None, description="The order of day, month and year in numbers."
    )
    date_language: Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")] | None = Field(
        None, description="The language of months' names, by its code of ISO 639, as `hr`."
    )
    time_zone: Annotated[Line, StringConstraints(max_length=60)] | None = Field(
        None,
        description="Of times without one: a name of the IANA database, or an offset. UTC where nothing says otherwise.",
    )
    ignore_columns: Annotated[list[_ColumnName], Field(max_length=100)] | None = Field(
        None,
        description="Columns that the format does not know and that say nothing of importance.",
    )

    def told(self) -> dict[str, object]:
        """Those that were given, by their names on the wire."""
        return self.model_dump(
            by_alias=True, exclude_none=True, include=set(AnswersIn.model_fields)
        )


class ImportIn(AnswersIn):
    """A file, or its first part: a body holds at most 1 MiB. Answers may be given with it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "format": "coinsphere",
                "fileName": "transactions.csv",
                "content": "date,type,token,amount,price\n2026-01-02T10:00:00Z,buy,BTC,0.00014884,61000\n",
            }
        }
    )

    format: Literal[
        "coinsphere", "coinbase", "kraken", "binance", "koinly", "binance_trades", "binance_trades_before", "binance_conversions", "binance_deposits", "binance_withdrawals", "binance_us", "kraken_trades", "coinbase_pro_fills",
        "coinbase_pro_statement", "bitstamp", "bitfinex_trades", "bitfinex_movements", "bitfinex_ledger",
        "kucoin_trades", "kucoin_deposits", "kucoin_withdrawals", "kucoin_history", "ledger_live", "cointracking", "okx_trading", "okx_funding", "bybit_unified", "bybit_funding", "crypto_com_app", "crypto_com_exchange", "gemini", "ghostfolio", "rotki", "generic",
    ]  # fmt: skip
    content: str = Field(min_length=1)
    file_name: Annotated[Line, StringConstraints(max_length=200)] | None = None
    mapping: dict[str, str] | None = Field(
        None, description="For `generic`: our columns to those of the file."
    )


class ImportPart(Input):
    """The next part of a file."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"content": "2026-01-03T10:00:00Z,buy,ETH,1,3000\n"}}
    )

    content: str = Field(min_length=1)


class ExportQuery(Query):
    """As what."""

    format: Literal["csv", "json", "parquet", "arrow"] | None = Field(
        None, description="By default Parquet or Arrow where `Accept` asks for it, else CSV."
    )


class ProblemOut(Output):
    """What is wrong with a line of a file."""

    line: int
    column: str | None
    message: str


class DecisionOut(Output):
    """How a column is read, and what decided it."""

    column: str
    what: str
    because: str


class UnreadOut(Output):
    """A column that is not read."""

    column: str
    reason: str


class QuestionOut(Output):
    """What the file leaves open: the field that answers it, and what may be answered."""

    option: Literal["numberFormat", "dateOrder", "dateLanguage", "timeZone", "ignoreColumns"]
    columns: list[str]
    choices: list[str]
    message: str


class FindingsOut(Output):
    """What was decided of a file as a whole, and what of it means nothing, is not read, or does not add up."""

    decisions: list[DecisionOut] = Field(default_factory=list)
    unread: list[UnreadOut] = Field(default_factory=list)
    questions: list[QuestionOut] = Field(default_factory=list)
    warnings: list[ProblemOut] = Field(default_factory=list)
    left_out: list[ProblemOut] = Field(default_factory=list)
    left_out_count: int = 0


class ImportBatchOut(Output):
    """An import and how far it is."""

    id: UUID
    format: str
    file_name: str | None
    status: Literal["previewed", "queued", "running", "succeeded", "failed", "taken_back"]
    rows_total: int
    rows_done: int
    rows_imported: int
    rows_known: int
    problems: list[ProblemOut]
    problem_count: int
    findings: FindingsOut
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ExampleOut(Output):
    """A transaction as it would be booked; `cost` is what it costs or brings, in the portfolio's currency."""

    line: int
    type: str
    token_symbol: str
    amount: Amount
    price: Amount | None
    currency: str
    fee: Amount | None
    fee_token: str | None
    counter_token_symbol: str | None
    counter_amount: Amount | None
    exchange: str | None
    notes: str | None
    tx_hash: str | None
    cost: Amount | None
    timestamp: datetime


class PreviewOut(Output):
    """What an import would do. Each row is a transaction or part of one, left out with the reason, or a problem.

    While there are questions nothing is read: answer them by PATCH.
    """

    rows: int
    transactions: int
    known: int
    problem_count: int
    problems: list[ProblemOut]
    findings: FindingsOut
    examples: list[ExampleOut]


_BATCH = {
    "id": ID, "format": "coinsphere", "fileName": "transactions.csv", "status": "previewed", "rowsTotal": 0,
    "rowsDone": 0, "rowsImported": 0, "rowsKnown": 0, "problems": [], "problemCount": 0, "findings": {}, "error": None,
    "createdAt": AT, "startedAt": None, "finishedAt": None,
}  # fmt: skip


class ImportOut(Output):
    """An import; with a preview while it waits to be confirmed."""

    model_config = example(**{"import": _BATCH, "preview": None})

    batch: ImportBatchOut = Field(alias="import")
    preview: PreviewOut | None


class ImportsOut(Output):
    """Imports, the newest first."""

    model_config = example(imports=[_BATCH])

    imports: list[ImportBatchOut]
