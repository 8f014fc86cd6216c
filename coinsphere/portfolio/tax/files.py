"""A tax report as a file: CSV with every line, and a PDF with the most important ones."""

import csv
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import IO, TYPE_CHECKING

from coinsphere.i18n import N_
from coinsphere.parsing.decimals import plain
from coinsphere.portfolio.imports.formats.row_readers import guarded
from coinsphere.portfolio.model import EXACT
from coinsphere.portfolio.tax.report import Disposal, Report

if TYPE_CHECKING:
    from fpdf import FPDF

DISCLAIMER = N_("This is a computation from the transactions that were recorded, not tax advice.")
MOST_LINES = 1000
"""Lines that a PDF shows; the CSV has them all."""
_CENT = Decimal("0.01")
_WIDTHS = (18, 22, 20, 20, 34, 26, 26, 24)
_HEAD = ("Token", "Rule", "Acquired", "Disposed", "Quantity", "Proceeds", "Cost", "Gain")

Row = tuple[object, ...]


def write_csv(report: Report, out: IO[str]) -> None:
    """Write all lines with every digit, unknown ones first."""
    writer = csv.writer(out)
    for row in _rows(report):
        writer.writerow([_cell(value) for value in row])


def _rows(report: Report) -> Iterator[Row]:
    yield ("section", "date", "acquired", "token", "account", "what", "quantity", "proceeds", "cost",
           "gain_or_value", "currency", "term", "rule", "box", "transaction")  # fmt: skip
    currency = report.currency
    for question in report.unknown:
        yield ("unknown", question.on, None, question.symbol, None, question.reason, question.quantity, None, None, None, currency, None,
               None, None, question.fact_id)  # fmt: skip
    for line in report.disposals:
        yield ("disposal", line.disposed_on, line.acquired_on, line.symbol, line.account, line.use, line.quantity,
               line.proceeds, line.cost, line.gain, currency, _term(report, line), line.rule,
               report.regime.box(report.year, is_long=line.is_long), line.fact_id)  # fmt: skip
    for earned in report.income:
        yield ("income", earned.on, None, earned.symbol, earned.account, earned.kind, earned.quantity, None, None,
               earned.value, currency, None, None, None, earned.fact_id)  # fmt: skip
    for paid in report.fees:
        yield ("fee", paid.on, None, None, None, paid.kind, None, None, None, paid.value, currency, None, None, None,
               paid.fact_id)  # fmt: skip
    yield from _totals(report)


def _totals(report: Report) -> Iterator[Row]:
    nothing = (None,) * 4
    for gains in report.sums:
        yield ("total", None, None, None, None, f"gains, {gains.name}", None, gains.proceeds, gains.cost, gains.gain,
               report.currency, *nothing)  # fmt: skip
    for name, amount in (("income", report.earned), ("fees", report.fees_paid)):
        yield ("total", *nothing, name, None, None, None, amount, report.currency, *nothing)
    for limit in report.limits:
        yield ("total", *nothing, f"{limit.of} after {limit.name} of {_shown(limit.amount)}", None, None, None,
               limit.counted, report.currency, *nothing)  # fmt: skip
    yield ("note", *nothing, DISCLAIMER, *nothing, None, *nothing)


def write_pdf(report: Report) -> bytes:
    """Write the report as a PDF: what is unknown, totals, and the first thousand disposals."""
    from fpdf import FPDF  # noqa: PLC0415 - its fonts take half a second, and few who start an API ask for a PDF

    paper = FPDF(format="A4")
    paper.set_auto_page_break(auto=True, margin=15)
    paper.add_page()
    _title(paper, report)
    _unknown(paper, report)
    _sums(paper, report)
    _lines(paper, report)
    return bytes(paper.output())


def _title(paper: "FPDF", report: Report) -> None:
    first, last = report.regime.first_day(report.year), report.regime.first_day(report.year + 1)
    last = date.fromordinal(last.toordinal() - 1)
    paper.set_font("Helvetica", "B", 15)
    _line(paper, f"{report.regime.name}: tax year {first.isoformat()} to {last.isoformat()}", 9)
    paper.set_font("Helvetica", "", 9)
    for sentence in (f"All amounts in {report.currency}. {DISCLAIMER}", *report.regime.says):
        _line(paper, sentence)


def _unknown(paper: "FPDF", report: Report) -> None:
    _heading(paper, f"Not known, and in no sum: {len(report.unknown)}")
    for question in report.unknown[:MOST_LINES]:
        _line(
            paper,
            f"{question.on.isoformat()}  {plain(question.quantity)} {question.symbol}: {question.reason}",
        )


def _sums(paper: "FPDF", report: Report) -> None:
    _heading(paper, "Sums")
    for gains in report.sums:
        _line(
            paper,
            f"Gains, {gains.name}: {_shown(gains.gain)} ({_shown(gains.proceeds)} less {_shown(gains.cost)}, {gains.lines} lines)",
        )
    _line(
        paper,
        f"Income: {_shown(report.earned)}. Fees, part of the above: {_shown(report.fees_paid)}",
    )
    for limit in report.limits:
        allowance = "not known here" if limit.amount is None else _shown(limit.amount)
        left = "" if limit.counted is None else f"; left to be taxed: {_shown(limit.counted)}"
        _line(paper, f"{limit.name} on {limit.of}: {allowance}, against {_shown(limit.sum)}{left}")


def _lines(paper: "FPDF", report: Report) -> None:
    _heading(paper, f"Disposals: {len(report.disposals)}")
    _cells(paper, _HEAD)
    for disposal in report.disposals[:MOST_LINES]:
        acquired = "" if disposal.acquired_on is None else disposal.acquired_on.isoformat()
        _cells(
            paper,
            (disposal.symbol, disposal.rule, acquired, disposal.disposed_on.isoformat(), plain(disposal.quantity), _shown(disposal.proceeds),
             _shown(disposal.cost), _shown(disposal.gain)),
        )  # fmt: skip
    if len(report.disposals) > MOST_LINES:
        _line(paper, f"The CSV has the other {len(report.disposals) - MOST_LINES}, too.")


def _heading(paper: "FPDF", text: str) -> None:
    paper.ln(3)
    paper.set_font("Helvetica", "B", 11)
    _line(paper, text, 7)
    paper.set_font("Helvetica", "", 8)


def _line(paper: "FPDF", text: str, height: float = 5) -> None:
    paper.multi_cell(0, height, _printable(text), new_x="LMARGIN", new_y="NEXT")


def _cells(paper: "FPDF", texts: tuple[str, ...]) -> None:
    for width, text in zip(_WIDTHS, texts, strict=True):
        paper.cell(width, 5, _printable(text)[:22])
    paper.ln()


def _printable(text: str) -> str:
    """The text without characters that the standard fonts of PDF lack."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _shown(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.quantize(_CENT, ROUND_HALF_EVEN, EXACT):,}"


def _term(report: Report, line: Disposal) -> str | None:
    if not report.regime.splits_after_a_year:
        return None
    return "more than a year" if line.is_long else "up to a year"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    return plain(value) if isinstance(value, Decimal) else guarded(str(value))
