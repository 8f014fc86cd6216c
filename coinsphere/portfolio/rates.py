"""Reference rates of the European Central Bank: units of a currency for one euro, on each day that it publishes them."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

import httpx2
from psycopg import Connection

from coinsphere.errors import Unavailable
from coinsphere.portfolio.errors import UnreadableFile

ADDRESS = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip"
SOURCE = "ecb"
_LARGEST = 50 * 1024 * 1024
_FIRST_COLUMN = "Date"
_CODE = 3

# A published rate does not change; one that was corrected replaces the old one.
_STORE = """
    insert into market.exchange_rates as known (currency, day, per_euro, source)
    select * from unnest(%(currencies)s::text[], %(days)s::date[], %(rates)s::numeric[], %(sources)s::text[])
    on conflict (currency, day) do update set
        per_euro = excluded.per_euro, source = excluded.source, ingested_at = now()
    where known.per_euro <> excluded.per_euro
"""
_NEWEST = "select max(day) from market.exchange_rates"


class Rate(NamedTuple):
    """Units of a currency for one euro."""

    currency: str
    day: date
    per_euro: Decimal


def fetch(client: httpx2.Client, address: str = ADDRESS) -> list[Rate]:
    """All rates that were ever published, from the bank itself.

    Raises:
        Unavailable: it gave no answer, or a fault.
        UnreadableFile: it gave something else.
    """
    try:
        answer = client.get(address, follow_redirects=False, timeout=30.0)
        answer.raise_for_status()
    except httpx2.HTTPError as error:
        raise Unavailable(SOURCE, f"no reference rates: {type(error).__name__}") from error
    return list(parse(_text(answer.content)))


def read(path: Path) -> list[Rate]:
    """Rates from a file that was fetched before: the bank's CSV, or the zip that it comes in.

    Raises:
        UnreadableFile: it is neither.
    """
    return list(parse(_text(path.read_bytes())))


def parse(content: str) -> Iterator[Rate]:
    """The rates of the bank's CSV: a column a currency, a row a day, `N/A` where there is none.

    Raises:
        UnreadableFile: it is none, or a cell is no rate.
    """
    rows = csv.reader(io.StringIO(content.removeprefix("\ufeff")))
    header = [cell.strip() for cell in next(rows, [])]
    if not header or header[0] != _FIRST_COLUMN:
        raise UnreadableFile("is no file of reference rates: its first column is not Date")
    for row in rows:
        if row and row[0].strip():
            yield from _of_day(header, row)


def store(conn: Connection, rates: Iterable[Rate]) -> int:
    """Store rates; returns how many are new or corrected."""
    kept = list(rates)
    parameters = {
        "currencies": [rate.currency for rate in kept],
        "days": [rate.day for rate in kept],
        "rates": [rate.per_euro for rate in kept],
        "sources": [SOURCE] * len(kept),
    }
    return conn.execute(_STORE, parameters).rowcount


def newest(conn: Connection) -> date | None:
    """The newest day that has rates; None where there are none."""
    row = conn.execute(_NEWEST).fetchone()
    return row[0] if row else None


def _of_day(header: list[str], row: list[str]) -> Iterator[Rate]:
    try:
        day = date.fromisoformat(row[0].strip())
    except ValueError:
        raise UnreadableFile(f"{row[0][:20]!r} is no day") from None
    for currency, cell in zip(header[1:], row[1:], strict=False):
        value = cell.strip()
        if len(currency) != _CODE or value in ("", "N/A"):
            continue
        try:
            rate = Decimal(value)
        except InvalidOperation:
            raise UnreadableFile(f"{value[:20]!r} of {currency} on {day} is no rate") from None
        if not rate.is_finite() or rate <= 0:
            raise UnreadableFile(f"the rate {value[:20]} of {currency} on {day} is not positive")
        yield Rate(currency, day, rate)


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
    except (zipfile.BadZipFile, IndexError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"is no file of reference rates: {error}") from None
