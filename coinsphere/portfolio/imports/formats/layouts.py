"""All formats that we read; those with one row a transaction are tables in `programs`, a module each.

Headers of exchanges change with the years; a new name of a column is a new expression in `also`.
"""

from collections.abc import Mapping

from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports.formats import (
    balances,
    coinbase,
    coinbase_totals,
    exchanges,
    koinly,
    row_readers,
)
from coinsphere.portfolio.imports.formats.balances import Balance
from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.decisions import Customs
from coinsphere.portfolio.imports.formats.layout import Layout, Members, always, single
from coinsphere.portfolio.imports.formats.programs import (
    binance_history,
    binance_us,
    bitfinex,
    bitstamp,
    bybit,
    coinbase_pro,
    cointracking,
    crypto_com,
    gemini,
    ghostfolio,
    kraken_trades,
    kucoin,
    ledger_live,
    okx,
    rotki,
)
from coinsphere.portfolio.imports.formats.timestamps import Order

__all__ = ["FORMATS", "Layout", "layout"]

_NUMBERS = ("amount", "price", "fee", "counter_amount", "balance")
_OWN_REQUIRED = ("date", "type", "token", "amount")


def _role(name: str) -> Column:
    role = "moment" if name == "date" else "number" if name in _NUMBERS else "text"
    return Column(name, role, is_required=name in _OWN_REQUIRED)  # type: ignore[arg-type]


_OWN_TOLD = always(
    symbol="token", fee_symbol="fee_token", counter_symbol="counter_token", occurred_at="date",
)  # fmt: skip

_COINBASE = (
    Column("ID"),
    Column("Timestamp", "moment", is_required=True),
    Column("Transaction Type", is_required=True),
    Column("Asset", is_required=True),
    Column("Quantity Transacted", "number", is_required=True),
    Column("Price Currency", also=("spot price currency",)),
    Column("Price at Transaction", "number", also=("spot price at transaction", r"(?P<unit>[a-z]{3}) spot price at transaction")),
    Column("Subtotal", "number", also=(r"(?P<unit>[a-z]{3}) subtotal",)),
    Column("Total", "number", also=(r"total \(inclusive of fees( and/or spread)?\)", r"(?P<unit>[a-z]{3}) total \(inclusive of fees\)",
                                     r"(?P<unit>[a-z]{3}) amount transacted \(inclusive of coinbase fees\)")),
    Column("Fees", "number", also=("fees and/or spread", r"(?P<unit>[a-z]{3}) fees")),
    Column("Notes"),
    Column("Sender Address", "unread", also=("address",)),
    Column("Recipient Address", "unread"),
)  # fmt: skip
_KRAKEN = (
    Column("txid", is_required=True),
    Column("refid", is_required=True),
    Column("time", "moment", is_required=True),
    Column("type", is_required=True),
    Column("subtype"),
    Column("aclass"),
    Column("subclass", "unread"),
    Column("asset", is_required=True),
    Column("wallet"),
    Column("amount", "number", is_required=True),
    Column("fee", "number"),
    Column("balance", "number"),
    Column("amountusd", "unread", why="the worth is that of the day's close"),
    Column("address", "unread"),
)
_BINANCE = (
    Column("User_ID", "unread", also=("user id",), why="names the account holder"),
    Column("UTC_Time", "moment", also=("time", "date", "utc time"), is_required=True),
    Column("Account", is_required=True),
    Column("Operation", is_required=True),
    Column("Coin", is_required=True),
    Column("Change", "number", is_required=True),
    Column("Remark"),
)  # fmt: skip
_KOINLY = (
    Column("ID", also=(r"id \(read-only\)",)),
    Column("Parent ID", "unread", also=(r"parent id \(read-only\)", r"(from|to) wallet id", r"(from|to) source( type)?( \(read-only\))?")),
    Column("Net Value", "unread", also=(r"(net|fee) value \(read-only\)", r"value currency( \(read-only\))?"), why="Koinly computes it"),
    Column("Missing Rates", "unread", also=("missing cost basis", "negative balances", "synced to accounting at"), why="is what Koinly notes"),
    Column("Date", "moment", also=(r"koinly date",), is_required=True),
    Column("Type", also=("transaction type",)),
    Column("Label", also=("tag",)),
    Column("Sending Wallet", also=(r"from wallet( \(read-only\))?",)),
    Column("Sent Amount", "number", also=("from amount",), is_required=True),
    Column("Sent Currency", also=("from currency",), is_required=True),
    Column("Sent Cost Basis", "unread", also=(r"sent cost basis \([a-z]{3}\)",), why="costs follow from what was bought"),
    Column("Receiving Wallet", also=(r"to wallet( \(read-only\))?",)),
    Column("Received Amount", "number", also=("to amount",), is_required=True),
    Column("Received Currency", also=("to currency",), is_required=True),
    Column("Received Cost Basis", "unread", also=(r"received cost basis \([a-z]{3}\)",), why="costs follow from what was bought"),
    Column("Fee Amount", "number"),
    Column("Fee Currency"),
    Column("Net Worth Amount", "number", also=(r"net value \((?P<unit>[a-z]{3})\)", r"net worth \((?P<unit>[a-z]{3})\)")),
    Column("Net Worth Currency"),
    Column("Gain", "unread", also=(r"gain \([a-z]{3}\)",), why="gains follow from what was bought"),
    Column("Fee Value", "unread", also=(r"fee value \([a-z]{3}\)", "fee worth amount"), why="the fee is read in what it was paid in"),
    Column("Fee Worth Currency", "unread"),
    Column("TxSrc", "unread"),
    Column("TxDest", "unread"),
    Column("TxHash"),
    Column("Description"),
    Column("Deleted"),
)  # fmt: skip

_OWN_MEMBERS = Members(
    "transactions", {name: name for name in row_readers.OWN_COLUMNS}, is_guarded=True
)

_KNOWN = {
    "coinsphere": Layout(tuple(map(_role, row_readers.OWN_COLUMNS)), single(row_readers.own), _OWN_TOLD, identity="external_id", members=_OWN_MEMBERS),
    "coinbase": Layout(
        _COINBASE, coinbase.read,
        always(symbol="Asset", counter_symbol="Notes", amount="Quantity Transacted", occurred_at="Timestamp",
                price="Price at Transaction", fee="Fees", currency="Price Currency"),
        groups=coinbase.groups, identity="ID", contradiction=coinbase_totals.contradiction, caution=coinbase.caution,
    ),
    "kraken": Layout(
        _KRAKEN, exchanges.kraken, always(symbol="asset", counter_symbol="asset", fee_symbol="asset", occurred_at="time"),
        groups=exchanges.kraken_groups, balance=Balance("balance", balances.kraken),
        identity="txid", caution=exchanges.kraken_caution,
    ),
    "binance": Layout(
        _BINANCE, exchanges.binance,
        always(symbol="Coin", counter_symbol="Coin", fee_symbol="Coin", amount="Change", occurred_at="UTC_Time"),
        groups=exchanges.binance_groups, customs=Customs(Order.YMD), caution=exchanges.binance_caution,
    ),
    "koinly": Layout(_KOINLY, single(koinly.read), koinly.told, identity="ID", caution=koinly.caution),
    **binance_history.FORMATS,
    **binance_us.FORMATS,
    **kraken_trades.FORMATS,
    **coinbase_pro.FORMATS,
    **bitstamp.FORMATS,
    **bitfinex.FORMATS,
    **kucoin.FORMATS,
    **ledger_live.FORMATS,
    **cointracking.FORMATS,
    **okx.FORMATS,
    **bybit.FORMATS,
    **crypto_com.FORMATS,
    **gemini.FORMATS,
    **ghostfolio.FORMATS,
    **rotki.FORMATS,
}  # fmt: skip

FORMATS = (*_KNOWN, "generic")


def layout(form: str, mapping: Mapping[str, str] | None) -> Layout:
    """A format by its name.

    Raises:
        UnreadableFile: a generic one has no mapping, or one that maps what we do not have.
    """
    return _KNOWN[form] if form != "generic" else _generic(mapping or {})


def _generic(mapping: Mapping[str, str]) -> Layout:
    if not {"date", "token", "amount"} <= mapping.keys():
        raise UnreadableFile("a generic file needs a mapping of date, token and amount at least")
    unknown = sorted(mapping.keys() - set(row_readers.MAPPED_COLUMNS))
    if unknown:
        raise UnreadableFile(f"the mapping names columns that we do not have: {', '.join(unknown)}")
    columns = tuple(
        Column(ours, _role(ours).role, is_required=True, header=theirs)
        for ours, theirs in mapping.items()
    )
    return Layout(
        columns, single(row_readers.generic), _OWN_TOLD, customs=Customs(takes_any_column=True),
        balance=Balance("balance", lambda cells: balances.booked(row_readers.generic(cells))), identity="external_id", caution=row_readers.untold_kind,
    )  # fmt: skip
