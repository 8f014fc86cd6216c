"""KuCoin's filled spot orders, deposits and withdrawals, whose titles name the zone of their times."""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.meanings import BOUGHT, SOLD, comes, goes
from coinsphere.portfolio.imports.formats.one_row import At, OneRow, Pair
from coinsphere.portfolio.imports.formats.programs.declared import declared

_ACCOUNT = (
    Column("UID", "unread", why="names the account holder"),
    Column("Account Type", "unread", also=("account mode",), why="all accounts of one exchange are one"),
)  # fmt: skip
_TRADES = (
    *_ACCOUNT,
    Column("Order ID", "unread", why="an order that was filled in parts has several rows"),
    Column("Order Time", "unread", also=(r"order time ?\(utc.*\)",), why="it is booked when it was filled"),
    Column("Symbol", is_required=True),
    Column("Side", is_required=True),
    Column("Order Type", "unread", also=("order price", "order amount", "maker/taker", "status")),
    Column("Avg. Filled Price", "unread", why="is the volume of one, which the volume tells exactly"),
    Column("Filled Amount", "number", is_required=True),
    Column("Filled Volume", "number", is_required=True),
    Column("Filled Volume (USDT)", "unread", why="the worth is that of the day's close"),
    Column("Filled Time (UTC)", "moment", also=(r"filled time ?\(utc.*\)",), is_required=True),
    Column("Fee", "number", is_required=True),
    Column("Fee Currency", is_required=True),
    Column("Tax", "unread", why="is kept where a state has the exchange withhold it, and told in no currency"),
)  # fmt: skip
_MOVES = (
    *_ACCOUNT,
    Column("Time (UTC)", "moment", also=(r"time ?\(utc.*\)",), is_required=True),
    Column("Coin", is_required=True),
    Column("Amount", "number", is_required=True),
    Column("Fee", "number", is_required=True),
    Column("Hash"),
    Column("Transfer Network", "unread", is_required=False, why="is the chain"),
    Column("Status", is_required=True),
    Column("Remarks", is_required=True),
)
_DEPOSITS = (*_MOVES, Column("Deposit Address", "unread", why="is an address"))
_WITHDRAWALS = (*_MOVES, Column("Withdrawal Address/Account", is_required=True))
_MOVE = {
    "exchange": "kucoin", "at": "Time (UTC)", "kind": (), "amount": At("Amount", "Coin"), "fee": At("Fee", "Coin"),
    "status": "Status", "tx_hash": "Hash", "notes": "Remarks",
}  # fmt: skip

FORMATS = {
    "kucoin_trades": declared(
        _TRADES,
        OneRow(
            exchange="kucoin", at="Filled Time (UTC)", kind=("Side",), kinds={"buy": BOUGHT, "sell": SOLD},
            pair=Pair("Symbol", "-", "Filled Amount", worth="Filled Volume"), fee=At("Fee", "Fee Currency"),
        ),
    ),
    "kucoin_deposits": declared(_DEPOSITS, OneRow(kinds={"": comes()}, **_MOVE)),  # type: ignore[arg-type]
    "kucoin_withdrawals": declared(_WITHDRAWALS, OneRow(kinds={"": goes()}, **_MOVE)),  # type: ignore[arg-type]
}  # fmt: skip
