"""Request and response bodies of `/tax`."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from webapi.http.schema import Amount, Output, Query

FIRST_YEAR, LAST_YEAR = 2009, 2100
MOST = 200
"""Questions and disposals that an answer holds; the files have all."""


class TaxQuery(Query):
    """In which currency a regime reports that has none of its own."""

    currency: str = Field(
        "USD", pattern="^[A-Z]{3}$", description="An ISO code with a reference rate."
    )


class TaxFileQuery(TaxQuery):
    """Which file."""

    format: Literal["csv", "pdf"] = Field(
        "csv",
        description="`csv` has every line and digit, `pdf` the sums and the first thousand disposals.",
    )


class RegimeOut(Output):
    """The rules of a country."""

    code: str = Field(description="Names it in addresses.")
    name: str
    currency: str = Field(description="Currency of its reports; empty: the one that is asked for.")
    begins: str = Field(description="Month and day on which its tax year begins.")
    says: list[str] = Field(description="What its reports point out.")


class RegimesOut(Output):
    """All regimes."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "regimes": [
                    {
                        "code": "uk",
                        "name": "United Kingdom",
                        "currency": "GBP",
                        "begins": "04-06",
                        "says": [],
                    }
                ]
            }
        }
    )

    regimes: list[RegimeOut] = Field(description="The regimes.")


class TaxQuestionOut(Output):
    """What the report cannot answer, and is in no sum."""

    on: date = Field(description="Day on which it happened.")
    token_symbol: str
    quantity: Amount
    reason: str = Field(description="What is missing or has to be decided.")
    transaction_id: UUID | None


class TaxSumOut(Output):
    """A total of disposals whose numbers are known."""

    name: str
    lines: int = Field(description="How many disposals it is of.")
    proceeds: Amount
    cost: Amount
    gain: Amount


class TaxLimitOut(Output):
    """A sum against a limit of the law."""

    name: str
    of: str = Field(description="`gains` or `income`.")
    amount: Amount | None = Field(description="The limit of that year; null where it is not known.")
    sum: Amount = Field(description="What is compared with it.")
    counted: Amount | None = Field(description="What is left to be taxed.")


class DisposalOut(Output):
    """A part that was sold or spent, with what it cost."""

    token_symbol: str
    account: str = Field(description="Exchange or wallet whose lots it used; empty: all together.")
    acquired_on: date | None = Field(description="Day on which it was acquired; null for a pool.")
    disposed_on: date = Field(description="Day on which it was sold or spent.")
    quantity: Amount
    proceeds: Amount
    cost: Amount
    gain: Amount
    is_long: bool = Field(description="Whether it was held for more than a year.")
    rule: str = Field(
        description="How it found its cost: `lot`, `same day`, `30 days`, `section 104`."
    )
    box: str | None = Field(description="Box of Form 8949, for the United States.")
    transaction_id: UUID | None


class TaxReportOut(Output):
    """A tax year. What is unknown stands first, as no sum includes it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "regime": "de", "year": 2025, "currency": "EUR", "from": "2025-01-01", "to": "2025-12-31",
                "unknownCount": 0, "unknown": [],
                "sums": [{"name": "up to a year", "lines": 1, "proceeds": 90000, "cost": 50000, "gain": 40000}],
                "income": 250, "fees": 12.5,
                "limits": [{"name": "§ 23 (3) EStG", "of": "gains", "amount": 1000, "sum": 40000, "counted": 40000}],
                "disposalCount": 0, "disposals": [], "says": [], "notice": "This is no tax advice.",
            }
        }
    )  # fmt: skip

    regime: str = Field(description="By whose rules.")
    year: int = Field(description="Calendar year in which the tax year begins.")
    currency: str
    first: date = Field(alias="from", description="First day of the tax year.")
    last: date = Field(alias="to", description="Last day of the tax year.")
    unknown_count: int = Field(description="How many things are unknown.")
    unknown: list[TaxQuestionOut] = Field(description="The first 200 of them.")
    sums: list[TaxSumOut] = Field(description="Totals of gains.")
    income: Amount = Field(description="Income whose value is known.")
    fees: Amount = Field(
        description="Fees whose value is known; they are part of costs and proceeds."
    )
    limits: list[TaxLimitOut] = Field(description="The regime's limits.")
    disposal_count: int = Field(description="How many disposals there are.")
    disposals: list[DisposalOut] = Field(description="The first 200 of them; the files have all.")
    says: list[str] = Field(description="What the report points out.")
    notice: str = Field(description="That this is a computation and no advice.")


def shown(report: Any) -> dict[str, Any]:
    """A report as `TaxReportOut` takes it."""
    regime, year = report.regime, report.year
    return {
        "regime": regime.code, "year": year, "currency": report.currency,
        "from": regime.first_day(year), "to": date.fromordinal(regime.first_day(year + 1).toordinal() - 1),
        "unknown_count": len(report.unknown),
        "unknown": [
            each._asdict() | {"token_symbol": each.symbol, "transaction_id": each.fact_id}
            for each in report.unknown[:MOST]
        ],
        "sums": report.sums, "income": report.earned, "fees": report.fees_paid, "limits": report.limits,
        "disposal_count": len(report.disposals),
        "disposals": [
            each._asdict() | {
                "token_symbol": each.symbol, "transaction_id": each.fact_id, "gain": each.gain, "is_long": each.is_long,
                "box": regime.box(year, is_long=each.is_long),
            }
            for each in report.disposals[:MOST]
        ],
        "says": list(regime.says),
    }  # fmt: skip
