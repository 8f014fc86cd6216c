"""What goes over the wire of imports and exports."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from webapi.portfolios.examples import AT, ID, example
from webapi.schema import Amount, Input, Line, Output, Query


class ImportIn(Input):
    """A file, or its first part: a body holds at most 1 MiB."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "format": "coinsphere",
                "fileName": "transactions.csv",
                "content": "date,type,token,amount,price\n2026-01-02T10:00:00Z,buy,BTC,0.00014884,61000\n",
            }
        }
    )

    format: Literal["coinsphere", "coinbase", "kraken", "binance", "koinly", "generic"]
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

    format: Literal["csv", "json"] = "csv"


class ProblemOut(Output):
    """What is wrong with a line of a file."""

    line: int
    column: str | None
    message: str


class BatchOut(Output):
    """An import and how far it is."""

    id: UUID
    format: str
    file_name: str | None
    status: Literal["previewed", "queued", "running", "succeeded", "failed"]
    rows_total: int
    rows_done: int
    rows_imported: int
    rows_known: int
    problems: list[ProblemOut]
    problem_count: int
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ExampleOut(Output):
    """A transaction that a file tells."""

    line: int
    type: str
    token_symbol: str
    amount: Amount
    price: Amount | None
    currency: str
    timestamp: datetime


class PreviewOut(Output):
    """What an import would do."""

    rows: int
    transactions: int
    known: int
    problem_count: int
    problems: list[ProblemOut]
    examples: list[ExampleOut]


_BATCH = {
    "id": ID, "format": "coinsphere", "fileName": "transactions.csv", "status": "previewed", "rowsTotal": 0,
    "rowsDone": 0, "rowsImported": 0, "rowsKnown": 0, "problems": [], "problemCount": 0, "error": None,
    "createdAt": AT, "startedAt": None, "finishedAt": None,
}  # fmt: skip


class ImportOut(Output):
    """An import; with a preview while it waits to be confirmed."""

    model_config = example(**{"import": _BATCH, "preview": None})

    batch: BatchOut = Field(alias="import")
    preview: PreviewOut | None


class ImportsOut(Output):
    """Imports, the newest first."""

    model_config = example(imports=[_BATCH])

    imports: list[BatchOut]
