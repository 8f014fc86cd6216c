"""Reference rates of the European Central Bank: units of a currency for one euro, on each day that it publishes them."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

import httpx2
from defusedxml import DefusedXmlException, ElementTree
from psycopg import Connection

from coinsphere.errors import Unavailable
from coinsphere.portfolio.errors import UnreadableFile

SOURCE = "ecb"
LONGEST_PAUSE = timedelta(days=7)
"""Rates that are older are missing: the bank's own pauses are shorter."""
REMEDY = "Run `coinsphere portfolio rates`, with a file of the bank's where it cannot be reached."
_LARGEST = 50 * 1024 * 1024
_FIRST_COLUMN = "Date"
_CODE = 3
_CUBE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"
_PATIENCE = httpx2.Timeout(30.0, connect=5.0)

# A published rate does not change; one that was corrected replaces the old one, as does the bank's what stood in for it.
_STORE = """
    insert into market.exchange_rates as known (currency, day, per_euro, source)
    select * from unnest(%(currencies)s::text[], %(days)s::date[], %(rates)s::numeric[], %(sources)s::text[])
    on conflict (currency, day) do update set
        per_euro = excluded.per_euro, source = excluded.source, ingested_at = now()
    where known.per_euro <> excluded.per_euro or known.source <> excluded.source
"""
# What is simulated ends where the bank's own rates come, also on days on which the bank has none.
_END_SIMULATED = "delete from market.exchange_rates where source = 'simulated'"
_FILL = """
    insert into market.exchange_rates (currency, day, per_euro, source)
    select * from unnest(%(currencies)s::text[], %(days)s::date[], %(rates)s::numeric[], %(sources)s::text[])
    on conflict (currency, day) do nothing
"""
_NEWEST = "select max(day) from market.exchange_rates"


class Rate(NamedTuple):
    """Units of a currency for one euro."""

    currency: str
    day: date
    per_euro: Decimal


class Brought(NamedTuple):
    """Rates, and where they are from; `problem` says why it is not the bank itself."""

    rates: list[Rate]
    source: str
    problem: str | None


def bring(client: httpx2.Client, address: str, file: Path | None) -> Brought:
    """Rates from the bank, or from the file that stands in for it.

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
        return Brought(read(file), str(file), None)
    try:
        return Brought(fetch(client, address), address, None)
    except (Unavailable, UnreadableFile) as error:
        if file is None:
            raise
        return Brought(read(file), str(file), str(error))


def fetch(client: httpx2.Client, address: str) -> list[Rate]:
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
    return _all(_text(answer.content))


def read(path: Path) -> list[Rate]:
    """Rates from a file that was fetched before: the bank's CSV, the zip that it comes in, or its XML.

    Raises:
        UnreadableFile: it is none of them, or cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"cannot be read: {error.strerror}") from None
    return _all(_text(content))


def parse(content: str) -> Iterator[Rate]:
    """The rates of the bank's CSV (a column a currency, a row a day, `N/A` where there is none) or XML.

    Raises:
        UnreadableFile: it is neither, it is cut off, or a cell is no rate.
    """
    content = content.removeprefix("\ufeff")
    return _of_xml(content) if content.lstrip().startswith("<") else _of_csv(content)


def _of_csv(content: str) -> Iterator[Rate]:
    rows = csv.reader(io.StringIO(content))
    header = [cell.strip() for cell in next(rows, [])]
    if not header or header[0] != _FIRST_COLUMN:
        raise UnreadableFile("is no file of reference rates: its first column is not Date")
    for row in rows:
        if not row or not row[0].strip():
            continue
        # Half a number is a number.
        if len(row) != len(header):
            raise UnreadableFile(f"has a line of {row[0][:20]} that is cut off")
        day = _day(row[0])
        for currency, cell in zip(header[1:], row[1:], strict=True):
            if len(currency) == _CODE and cell.strip() not in ("", "N/A"):
                yield _rate(currency, day, cell)


def _of_xml(content: str) -> Iterator[Rate]:
    try:
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise UnreadableFile("is no file of reference rates: it declares a document type") from None
    except ElementTree.ParseError as error:
        raise UnreadableFile(f"is no file of reference rates: {error}") from None
    for of_day in root.iter(_CUBE):
        day = of_day.get("time")
        for each in of_day if day else ():
            yield _rate(each.get("currency", ""), _day(day or ""), each.get("rate", ""))


def store(conn: Connection, rates: Iterable[Rate]) -> int:
    """Store the bank's rates; returns how many are new or corrected."""
    conn.execute(_END_SIMULATED)
    return conn.execute(_STORE, _columns(rates, SOURCE)).rowcount


def fill(conn: Connection, rates: Iterable[Rate], source: str) -> int:
    """Store rates of days that have none, marked with where they are from; returns how many are new."""
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


def _all(content: str) -> list[Rate]:
    found = list(parse(content))
    if not found:
        raise UnreadableFile("is no file of reference rates: it holds none")
    return found


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UnreadableFile(f"{text[:20]!r} is no day") from None


def _rate(currency: str, day: date, text: str) -> Rate:
    if len(currency) != _CODE or not (currency.isascii() and currency.isupper()):
        raise UnreadableFile(f"{currency[:20]!r} is no currency")
    try:
        rate = Decimal(text.strip())
    except InvalidOperation:
        raise UnreadableFile(f"{text[:20]!r} of {currency} on {day} is no rate") from None
    if not rate.is_finite() or rate <= 0:
        raise UnreadableFile(f"the rate {text[:20]} of {currency} on {day} is not positive")
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
