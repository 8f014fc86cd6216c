"""Binance: trades by market and number, transfers and conversions of dust in windows of 90 days, distributions of 180.

Spot accounts only.
"""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from coinsphere.exchanges.api.client import Client
from coinsphere.exchanges.model import KeyInfo, Known, Permissions, Stream
from coinsphere.exchanges.venues import binance_orders, ccxt_records
from coinsphere.exchanges.venues.pagination import Answer, Numbered, by_number, windows
from coinsphere.exchanges.venues.rows import Told, bounds, holdings, number, read
from coinsphere.market.sources.decimals import rounded
from coinsphere.market.sources.moments import from_milliseconds
from coinsphere.portfolio.imports.statements import binance
from coinsphere.portfolio.imports.statements.record import Record
from coinsphere.portfolio.model import Kind

_BEGIN = datetime(2017, 7, 14, tzinfo=UTC)
_DUST_BEGIN = datetime(2020, 12, 1, tzinfo=UTC)
"""It tells no older conversions."""
_TRADES = 1_000
_TRANSFERS = 1_000
_DIVIDENDS = 500
_DUST = 100
_MONEY = frozenset(
    {"USDT", "USDC", "FDUSD", "BUSD", "TUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "GBP"}
)
"""What trades are usually paid in."""
_TRADING = (
    "enableSpotAndMarginTrading", "enableMargin", "enableFutures", "enableVanillaOptions",
    "enablePortfolioMarginTrading", "enableFixApiTrade",
)  # fmt: skip
_MOVING = ("enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer")


class Binance:
    """See the module."""

    id = "binance"
    name = "Binance"
    requires_passphrase = False

    def key(self, client: Client) -> KeyInfo:
        """By `account/apiRestrictions`, and `account` for the account's number."""
        restrictions = client.call("sapiGetAccountApiRestrictions")
        granted = tuple(sorted(name for name, value in restrictions.items() if value is True))
        account = client.call("privateGetAccount", {"omitZeroBalances": "true"})
        permissions = Permissions(
            trade=any(name in granted for name in _TRADING),
            withdraw=any(name in granted for name in _MOVING),
            granted=granted,
        )
        uid = account.get("uid")
        return KeyInfo(permissions, None if uid is None else str(uid))

    def balances(self, client: Client) -> dict[str, Decimal]:
        """Spot balances, free and locked; an asset in Earn (`LD…`) counts as the asset itself."""
        client.markets()
        rows = client.call("privateGetAccount", {"omitZeroBalances": "true"})["balances"]
        return holdings(
            self.id,
            rows,
            lambda row: (
                _asset(client, row["asset"]),
                number(row["free"]) + number(row["locked"]),
            ),
        )

    def streams(self, client: Client, known: Known) -> list[Stream]:
        """Transfers, distributions and conversions, then the trades of each market that the account may have used."""

        def deposits(start: int, end: int, token: Any) -> Answer:
            return _transfers(
                client, "sapiGetCapitalDepositHisrec", "deposit", (start, end, token or 0)
            )

        def withdrawals(start: int, end: int, token: Any) -> Answer:
            return _transfers(
                client, "sapiGetCapitalWithdrawHistory", "withdrawal", (start, end, token or 0)
            )

        def dividends(start: int, end: int, token: Any) -> Answer:
            return _dividends(client, start, int(token or end))

        def dust(start: int, end: int, token: Any) -> Answer:
            return _dust(client, start, int(token or end))

        return [
            windows("deposits", deposits, begin=_BEGIN, days=90),
            windows("withdrawals", withdrawals, begin=_BEGIN, days=90),
            windows("rewards", dividends, begin=_BEGIN, days=180),
            windows("dust", dust, begin=_DUST_BEGIN, days=90),
            *binance_orders.streams(client, partial(_asset, client)),
            *(_market(client, symbol, info["id"]) for symbol, info in _used(client, known)),
        ]


def _used(client: Client, known: Known) -> list[tuple[str, dict[str, Any]]]:
    """The spot markets of assets that the account holds or moved, and those that the user named."""
    money = known.assets | _MONEY
    return sorted(
        (symbol, info)
        for symbol, info in client.markets().items()
        if info.get("spot")
        and (symbol in known.markets or (info["base"] in known.assets and info["quote"] in money))
    )


def _market(client: Client, symbol: str, market_id: str) -> Stream:
    def fetch(first: int) -> Numbered:
        wanted = {"symbol": market_id, "fromId": first, "limit": _TRADES}
        rows = client.call("privateGetMyTrades", wanted)
        result = read(
            "binance",
            rows,
            lambda row: f"{market_id}-{row['id']}",
            lambda row: _trade(client, symbol, market_id, row),
        )
        if not rows:
            return Numbered(result, first, is_last=True)
        _, last = bounds("binance", rows, lambda row: int(row["id"]))
        return Numbered(result, last + 1, is_last=len(rows) < _TRADES)

    return by_number(f"trades {symbol}", fetch)


def _trade(client: Client, symbol: str, market_id: str, row: dict[str, Any]) -> list[Record]:
    parsed = {
        "timestamp": row["time"],
        "symbol": symbol,
        "amount": row["qty"],
        "price": row["price"],
        "cost": row.get("quoteQty"),
        "side": "buy" if row["isBuyer"] else "sell",
        "fee": {
            "cost": row.get("commission"),
            "currency": client.api.safe_currency_code(row.get("commissionAsset")),
        },
    }
    return list(ccxt_records.trades("binance", parsed, f"{market_id}-{row['id']}"))


def _transfers(client: Client, method: str, kind: str, where: tuple[int, int, int]) -> Answer:
    start, end, offset = where
    wanted = {"startTime": start, "endTime": end, "offset": offset, "limit": _TRANSFERS}
    rows = client.call(method, wanted)
    result = read(
        "binance",
        rows,
        lambda row: f"{kind}-{row['id']}",
        lambda row: ccxt_records.moved(
            "binance", client.parse("parse_transaction", {**row, "type": kind})
        ),
    )
    return Answer(result, offset + len(rows) if len(rows) >= _TRANSFERS else None)


def _dividends(client: Client, start: int, end: int) -> Answer:
    """The newest of a window; a full answer means that older ones follow, which end at its oldest."""
    wanted = {"startTime": start, "endTime": end, "limit": _DIVIDENDS}
    rows = client.call("sapiGetAssetAssetDividend", wanted)["rows"]
    result = read("binance", rows, _reward_name, lambda row: [_reward(client, row)])
    return Answer(result, _older(rows, "divTime", _DIVIDENDS, end))


def _reward_name(row: dict[str, Any]) -> str:
    """One distribution of several assets has one number."""
    return f"reward-{row['id'] if 'id' in row else row['tranId']}-{row['asset']}"


def _reward(client: Client, row: dict[str, Any]) -> Record | None:
    return ccxt_records.transfer(
        _reward_name(row),
        from_milliseconds(row["divTime"]),
        _asset(client, row["asset"]),
        number(row["amount"]),
        income=binance.income(str(row.get("enInfo") or "")),
    )


def _older(rows: list[dict[str, Any]], part: str, most: int, end: int) -> int | None:
    """The end of the window with the rows before those of a full page; None where there are none."""
    if len(rows) < most:
        return None
    oldest, _ = bounds("binance", rows, lambda row: int(row[part]))
    return oldest if oldest < end else None


def _dust(client: Client, start: int, end: int) -> Answer:
    """Conversions of small rests, the newest of a window, paged as distributions; each asset of one is a swap."""
    wanted = {"startTime": start, "endTime": end}
    conversions = client.call("sapiGetAssetDribblet", wanted)["userAssetDribblets"]
    result = Told([], [])
    for conversion in conversions:
        result = result.joined(_conversion(client, conversion))
    return Answer(result, _older(conversions, "operateTime", _DUST, end))


def _conversion(client: Client, conversion: dict[str, Any]) -> Told:
    """Each asset of a conversion by itself."""
    number, rows = conversion.get("transId"), conversion.get("userAssetDribbletDetails")
    return read(
        "binance",
        # One without details cannot be read as a whole.
        rows if isinstance(rows, list) else [conversion],
        lambda row: f"dust-{number}-{row['fromAsset']}",
        lambda row: [_converted(client, conversion, row)],
    )


def _converted(client: Client, conversion: dict[str, Any], row: dict[str, Any]) -> Record:
    """One asset's part of a conversion. The amount called transferred is after the fee, both in BNB unless another asset is named."""
    got = _asset(client, row.get("targetAsset") or "BNB")
    net, charge = rounded(row["transferedAmount"]), rounded(row["serviceChargeAmount"])
    return Record(
        f"dust-{conversion['transId']}-{row['fromAsset']}",
        Kind.SWAP,
        from_milliseconds(row["operateTime"]),
        sent=(_asset(client, row["fromAsset"]), rounded(row["amount"])),
        received=(got, net + charge),
        fee=(got, charge) if charge else None,
    )


def _asset(client: Client, asset: str) -> str:
    """Ccxt's name; `LDBTC` is BTC that earns, but `LDO` is a token of its own."""
    code = str(client.api.safe_currency_code(asset))
    earning = code.removeprefix("LD")
    known = client.api.currencies or {}
    return earning if code != earning and code not in known and earning in known else code
