"""KuCoin's filled spot orders, deposits and withdrawals, and its account history, whose titles name the zone of their times.

The account history tells the other three again and all else, without ids: an amount is by how much the balance changed, its
fee included. What was traded within one second is one exchange.
"""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.grouped_rows import GroupedRows
from coinsphere.portfolio.imports.formats.meanings import BOUGHT, SOLD, Kinds, all_of, comes, goes
from coinsphere.portfolio.imports.formats.one_row import At, OneRow, Pair
from coinsphere.portfolio.imports.formats.programs.declared import declared, grouped
from coinsphere.portfolio.imports.statements import kucoin as names
from coinsphere.portfolio.model import Kind

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
_HISTORY = (
    *_ACCOUNT,
    Column("Currency", is_required=True),
    Column("Side", is_required=True),
    Column("Amount", "number", is_required=True),
    Column("Fee", "number", is_required=True),
    Column("Time (UTC)", "moment", also=(r"time ?\(utc.*\)",), is_required=True),
    Column("Remark", is_required=True),
    Column("Type", is_required=True),
)
_TRADED = ("spot", "convert market", "convert dust to kcs", "fiat transactions")
_SIGNS = {f"{kind} {way}": sign for kind in _TRADED for way, sign in (("deposit", 1), ("withdrawal", -1))}  # fmt: skip
_ARRIVES = comes(pays=False)
HISTORY: Kinds = {
    **all_of(_ARRIVES, "deposit deposit", "fiat deposit deposit"),
    **all_of(goes(), "withdraw withdrawal", "withdrawal withdrawal", "fiat withdrawal withdrawal"),
    "kcs pay fees withdrawal": goes(Kind.FEE),
    "spot exchange rebate deposit": comes(Kind.REWARD, pays=False),
    **{f"{kind} deposit": comes(kind, pays=False) for kind in (Kind.STAKING, Kind.AIRDROP, Kind.INTEREST, Kind.REWARD)},
    **all_of("moved between your own accounts at KuCoin", "transfer deposit", "transfer withdrawal"),
    **all_of(
        "was staked or lent and is still yours", "staking withdrawal", "redemption deposit", "voting withdrawal", "redemption of voting deposit",
    ),
}  # fmt: skip


def _income(told: str) -> str:
    """Names of incomes are free text: what kind of one it is, and which way it went; other names as they stand."""
    name, _, way = told.replace("_", " ").rpartition(" ")
    return f"{names.kind_of(name) or name} {way}"


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
    "kucoin_history": grouped(
        _HISTORY,
        GroupedRows(
            OneRow(
                exchange="kucoin", at="Time (UTC)", kind=("Type", "Side"), kinds=HISTORY, amount=At("Amount", "Currency"),
                fee=At("Fee", "Currency"), has_fee_within=True, notes="Remark", named=_income,
            ),
            sides={kind: kind.rpartition(" ")[0] for kind in _SIGNS}, by=("Time (UTC)",), signs=_SIGNS, is_net=True,
        ),
    ),
}  # fmt: skip
