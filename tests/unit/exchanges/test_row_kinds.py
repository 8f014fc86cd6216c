"""The guide tells what each kind of an exchange's row means: by the mapping itself, asked with rows of both signs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from coinsphere.exchanges.venues import bybit, ccxt_records, kucoin, okx
from coinsphere.portfolio.imports.statements import (
    binance,
    binance_operations,
    coinbase,
    kraken,
)
from coinsphere.portfolio.imports.statements import (
    kucoin as kucoin_rows,
)
from coinsphere.portfolio.imports.statements.record import Entry, Nothing, NotUnderstood, Record
from coinsphere.portfolio.imports.statements.trades import deal

GUIDE = Path(__file__).parents[3] / "docs/guides/exchanges.md"
Row = tuple[str, str, str, str]
"""A kind, what becomes of one that comes, of one that goes, and of two of which one was given for the other."""
Meaning = Callable[[Sequence[Entry]], Iterable[Record | None]]


def entry(kind: str, change: int, *, subtype: str = "", asset: str = "BTC") -> Entry:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    return Entry(f"n{asset}", "g", at, kind, asset, Decimal(change), subtype=subtype)


def becomes(meaning: Meaning, *entries: Entry) -> str:
    """What is booked of rows, in one word or a few."""
    try:
        records = [record for record in meaning(entries) if record is not None]
    except Nothing:
        return "nothing"
    except NotUnderstood:
        return "listed"
    if any(record.refused for record in records):
        return "listed"
    kinds = [made.kind.value for record in records if (made := deal(record))]
    return ", ".join(sorted(set(kinds))) or "nothing"


def row(meaning: Meaning, kind: str, subtype: str = "") -> Row:
    one, other = entry(kind, 1, subtype=subtype), entry(kind, -1, subtype=subtype)
    name = f"{kind}, {subtype}" if subtype else kind
    both = becomes(meaning, other, entry(kind, 1, subtype=subtype, asset="ETH"))
    return name, becomes(meaning, one), becomes(meaning, other), both


def of_kraken(entries: Sequence[Entry]) -> Iterator[Record]:
    """Rows of one reference, as far as they belong together."""
    events: dict[str, list[Entry]] = {}
    for each in entries:
        events.setdefault(kraken.key(each), []).append(each)
    for event in events.values():
        yield from kraken.records(event)


def of_lists(
    kinds: Iterable[str], of: Callable[[str], object], elsewhere: Iterable[str]
) -> Iterator[Row]:
    """Rows of exchanges whose ledgers tell incomes only."""

    def meaning(entries: Sequence[Entry]) -> Iterator[Record | None]:
        for each in entries:
            kind = of(each.kind)
            yield ccxt_records.income(each, {each.kind: kind} if kind else {}, elsewhere)  # type: ignore[dict-item]

    for kind in (*kinds, *sorted(elsewhere)):
        yield row(meaning, kind)


def tables() -> dict[str, list[Row]]:
    """What each exchange's kinds mean."""
    incomes = [f"… {word}{end}" for end in kucoin_rows.INCOME for word in ("", "staking ")]
    return {
        "Binance": [
            row(binance.records, kind)
            for kinds in binance_operations.OPERATIONS.values()
            for kind in kinds
        ],
        "Kraken": [
            *(row(of_kraken, kind) for kind in kraken.TYPES),
            *(row(of_kraken, kind, subtype) for kind, subtype in kraken.SUBTYPES),
        ],
        "Coinbase": [row(coinbase.records, kind) for kinds in coinbase.TYPES.values() for kind in kinds],
        "KuCoin": list(of_lists(incomes, kucoin_rows.kind_of, kucoin.ELSEWHERE)),
        "OKX": list(of_lists(okx.INCOME, okx.INCOME.get, okx.ELSEWHERE)),
        "Bybit": list(of_lists(bybit.EARN, bybit.EARN.get, ())),
    }  # fmt: skip


def rendered(rows: Iterable[Row]) -> list[str]:
    """Lines of a table, those of one meaning together."""
    together: dict[tuple[str, str, str], list[str]] = {}
    for kind, *meaning in rows:
        names = together.setdefault((meaning[0], meaning[1], meaning[2]), [])
        if f"`{kind}`" not in names:
            names.append(f"`{kind}`")
    return [f"| {' '.join(kinds)} | {' | '.join(meaning)} |" for meaning, kinds in together.items()]


def test_the_guide_tells_what_every_kind_means() -> None:
    told = GUIDE.read_text(encoding="utf-8").split("## What a row means")[1]
    for exchange, rows in tables().items():
        section = told.split(f"### {exchange}\n")[1].split("\n#")[0]
        lines = [line for line in section.splitlines() if line.startswith("| `")]
        assert lines == rendered(rows), exchange


def test_what_is_not_named_is_listed() -> None:
    for meaning in (binance.records, of_kraken, coinbase.records):
        assert row(meaning, "no kind")[1:] == ("listed", "listed", "listed")


def test_binance_words_of_a_distribution_mean_what_the_statement_calls_it() -> None:
    for words, operation in (
        ("Flexible", "Simple Earn Flexible Interest"), ("Launchpool", "Launchpool Interest"), ("BNB Vault", "BNB Vault Rewards"),
        ("Locked Staking", "Locked Staking Rewards"), ("BHFT distribution", "Distribution"), ("OP airdrop", "Airdrop Assets"),
        ("Referral Kickback", "Referral Kickback"), ("something new", "Reward"),
    ):  # fmt: skip
        assert binance.income(words) == row(binance.records, operation)[1], words
