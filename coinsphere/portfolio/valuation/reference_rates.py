"""Reference rates of the European Central Bank: units of a currency for one euro, on each day that it publishes them."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import httpx2
from defusedxml import DefusedXmlException, ElementTree
from psycopg import Connection

from coinsphere.errors import Unavailable
from coinsphere.market.quality.validation import fits
from coinsphere.parsing import decimals
from coinsphere.portfolio.errors import UnreadableFile

SOURCE = "ecb"
LONGEST_PAUSE = timedelta(days=7)
"""Rates that are older are missing: the bank's own pauses are shorter."""
REMEDY = "Run `coinsphere portfolio rates`, with a file of the bank's where it cannot be reached."
_LARGEST = 50 * 1024 * 1024
_FIRST_COLUMN = "Date"
_CODE = 3
_CUBE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"
_FAULTS_NAMED = 5
_PATIENCE = httpx2.Timeout(30.0, connect=5.0)

# A published rate does not change; one that was corrected replaces the old one, as does the bank's what stood in for it.
# What was believed stays in market.rate_revisions; a number that another source confirms is known since it was first told.
_STORE = """
    insert into market.exchange_rates as known (currency, day, per_euro, source)
    select * from unnest(%(currencies)s::text[], %(days)s::date[], %(rates)s::numeric[], %(sources)s::text[])
    on conflict (currency, day) do update set
        per_euro = excluded.per_euro, source = excluded.source,
        ingested_at = case when known.per_euro = excluded.per_euro then known.ingested_at else now() end
    where known.per_euro <> excluded.per_euro or known.source <> excluded.source
"""
# What is simulated ends where the bank's own rates come, also on days on which the bank has none.
_END_SIMULATED = "delete from market.exchange_rates where source = 'simulated'"
_FILL = """
    insert into market.exchange_rates (currency, day, per_euro, source)
    select * from unnest(%(currencies)s::text[], %(days)s::date[], %(rates)s::numeric[], %(sources)s::text[])
    on conflict (currency, day) do nothing
"""
_CURRENCIES = "select distinct currency from market.exchange_rates"
_NEWEST = "select max(day) from market.exchange_rates"


_Cell = tuple[str, str, str]
"""Currency, day and rate, as they are written."""


class Rate(NamedTuple):
    """Units of a currency for one euro."""

    currency: str
    day: date
    per_euro: Decimal


class Table(NamedTuple):
    """The rates of a table, and a description of its cells that cannot be read."""

    rates: list[Rate]
    faults: list[str]


class Brought(NamedTuple):
    """Rates and their source; `problem` says why it is not the bank itself, or which cells are no rates."""

    rates: list[Rate]
    source: str
    problem: str | None


def bring(client: httpx2.Client, address: str, file: Path | None) -> Brought:
    """Fetch rates from the bank, or read the file that stands in for it.

    Args:
        client: asks the bank.
        address: of its zip, CSV or XML; empty: it is not asked.
        file: read where the bank is not asked, does not answer, or answers with something else.

    Raises:
        Unavailable: there is neither.
        UnreadableFile: the bank gave something else and there is no file, or the file is none of rates.
    """
    if not address:
        if file is None:
            raise Unavailable(SOURCE, "neither an address nor a file of reference rates is set")
        return _brought(read(file), str(file))
    try:
        return _brought(fetch(client, address), address)
    except (Unavailable, UnreadableFile) as error:
        if file is None:
            raise
        return Brought(read(file).rates, str(file), str(error))


def _brought(table: Table, source: str) -> Brought:
    named = "; ".join(table.faults[:_FAULTS_NAMED])
    count = len(table.faults)
    problem = (
        f"{count} {'cell is' if count == 1 else 'cells are'} left out: {named}" if count else None
    )
    return Brought(table.rates, source, problem)


def fetch(client: httpx2.Client, address: str) -> Table:
    """All rates that the bank publishes at an address.

    Raises:
        Unavailable: it gave no answer, or a fault.
        UnreadableFile: it gave something else.
    """
    try:
        answer = client.get(address, follow_redirects=False, timeout=_PATIENCE)
        answer.raise_for_status()
    except httpx2.HTTPError as error:
        raise Unavailable(SOURCE, f"no reference rates: {type(error).__name__}") from error
    return parse(_text(answer.content))


def read(path: Path) -> Table:
    """Rates from a file that was fetched before: the bank's CSV, the zip that it comes in, or its XML.

    Raises:
        UnreadableFile: it is none of them, or cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"cannot be read: {error.strerror}") from None
    return parse(_text(content))


def parse(content: str) -> Table:
    """The rates of the bank's CSV (a column a currency, a row a day, `N/A` where there is none) or XML.

    A cell that is no rate, and a line that is cut off, costs itself and no other.

    Raises:
        UnreadableFile: it is neither, or holds no rate at all.
    """
    content = content.removeprefix("\ufeff")
    cells = _of_xml(content) if content.lstrip().startswith("<") else _of_csv(content)
    rates: dict[tuple[str, date], Rate] = {}
    faults: list[str] = []
    for cell in cells:
        try:
            rate = _rate(cell)
        except UnreadableFile as error:
            faults.append(str(error))
            continue
        if rates.setdefault((rate.currency, rate.day), rate) != rate:
            faults.append(f"{rate.currency} on {rate.day} stands twice and differs")
    if not rates:
        why = faults[0] if faults else "it holds none"
        raise UnreadableFile(f"is no file of reference rates: {why}")
    return Table(list(rates.values()), faults)


def _of_csv(content: str) -> Iterator[_Cell | str]:
    rows = csv.reader(io.StringIO(content))
    header = [cell.strip() for cell in next(rows, [])]
    if not header or header[0] != _FIRST_COLUMN:
        raise UnreadableFile("is no file of reference rates: its first column is not Date")
    for row in rows:
        if not row or not row[0].strip():
            continue
        # Half a number is a number.
        if len(row) != len(header):
            yield f"the line of {row[0][:20]} is cut off"
            continue
        for currency, cell in zip(header[1:], row[1:], strict=True):
            if len(currency) == _CODE and cell.strip() not in ("", "N/A"):
                yield currency, row[0], cell


def _of_xml(content: str) -> Iterator[_Cell]:
    try:
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise UnreadableFile("is no file of reference rates: it declares a document type") from None
    except ElementTree.ParseError as error:
        raise UnreadableFile(f"is no file of reference rates: {error}") from None
    for of_day in root.iter(_CUBE):
        day = of_day.get("time")
        for each in of_day if day else ():
            yield each.get("currency", ""), day or "", each.get("rate", "")


def store(conn: Connection, rates: Iterable[Rate]) -> int:
    """Store the bank's rates. Returns how many are new or corrected."""
    conn.execute(_END_SIMULATED)
    return conn.execute(_STORE, _columns(rates, SOURCE)).rowcount


def fill(conn: Connection, rates: Iterable[Rate], source: str) -> int:
    """Store rates of days that have none, marked with their source. Returns how many are new."""
    return conn.execute(_FILL, _columns(rates, source)).rowcount


def _columns(rates: Iterable[Rate], source: str) -> dict[str, list[object]]:
    kept = list(rates)
    return {
        "currencies": [rate.currency for rate in kept],
        "days": [rate.day for rate in kept],
        "rates": [rate.per_euro for rate in kept],
        "sources": [source] * len(kept),
    }


def newest(conn: Connection) -> date | None:
    """The newest day that has rates; None where there are none."""
    row = conn.execute(_NEWEST).fetchone()
    return row[0] if row else None


def currencies(conn: Connection) -> set[str]:
    """The currencies that have rates, except the euro, in which the rates are."""
    return {currency for (currency,) in conn.execute(_CURRENCIES)}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UnreadableFile(f"{text[:20]!r} is no day") from None


def _rate(cell: _Cell | str) -> Rate:
    if isinstance(cell, str):
        raise UnreadableFile(cell)
    currency, day, text = cell[0], _day(cell[1]), cell[2]
    if len(currency) != _CODE or not (currency.isascii() and currency.isupper()):
        raise UnreadableFile(f"{currency[:20]!r} is no currency")
    try:
        rate = decimals.read(text.strip())
    except ValueError:
        raise UnreadableFile(f"{text[:20]!r} of {currency} on {day} is no rate") from None
    if not rate.is_finite() or rate <= 0:
        raise UnreadableFile(f"the rate {text[:20]} of {currency} on {day} is not positive")
    if not fits(rate):
        raise UnreadableFile(
            f"the rate {text[:20]} of {currency} on {day} has more digits than we keep"
        )
    return Rate(currency, day, rate)


def _text(content: bytes) -> str:
    if len(content) > _LARGEST:
        raise UnreadableFile("is larger than any file of reference rates")
    try:
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                member = archive.infolist()[0]
                if member.file_size > _LARGEST:
                    raise UnreadableFile("unpacks to more than any file of reference rates holds")
                content = archive.read(member)
        return content.decode()
    except (zipfile.BadZipFile, zlib.error, EOFError, IndexError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"is no file of reference rates: {error}") from None
