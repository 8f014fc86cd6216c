"""How each exchange's public interface says what its markets are and what they cost, by REST and by WebSocket."""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

Prices = Mapping[str, str]
"""By the base of each market; what it is paid in is the venue's."""


class Dialect(NamedTuple):
    """A venue's way of speaking.

    `ticker` is the message of a base's price, `rest` answers a path, `acknowledged` a subscription, of which `markets` gives
    the markets where that is needed, and `pong` a ping of its own kind, where it has one. `refusal` answers a question of
    these parameters, where a market that is named in it is none.
    """

    ticker: Callable[[str, str], dict[str, Any]]
    rest: Callable[[Prices, str], Any]
    acknowledged: Callable[[Any], list[Any]] = lambda _: []
    markets: Callable[[Any], list[str]] = lambda _: []
    pong: Callable[[str | bytes], str | None] = lambda _: None
    refusal: Callable[[Prices, Mapping[str, str]], Any] = lambda *_: None


def _answering(member: str, name: str) -> Callable[[str | bytes], str | None]:
    """Answers JSON of which a member says `ping` with the same that says `pong`, under the same number."""

    def pong(text: str | bytes) -> str | None:
        asked = json.loads(text)
        is_ping = asked.get(member) == "ping"
        return json.dumps({member: "pong", name: asked.get(name)}) if is_ping else None

    return pong


def _now() -> int:
    return int(time.time() * 1000)


# Binance


def _binance_ticker(base: str, price: str) -> dict[str, Any]:
    """https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams, individual symbol ticker."""
    return {
        "e": "24hrTicker", "E": _now(), "s": f"{base}USDT", "p": "1", "P": "1.5", "w": price, "c": price, "b": price, "a": price,
        "B": "1", "A": "1", "o": price, "h": price, "l": price, "v": "100", "q": "1000000.5", "n": 10,
    }  # fmt: skip


def _binance(prices: Prices, path: str) -> Any:
    if path.endswith("/exchangeInfo"):
        symbols = [
            {
                "symbol": f"{base}USDT", "status": "TRADING", "baseAsset": base, "quoteAsset": "USDT",
                "isSpotTradingAllowed": True, "permissions": ["SPOT"], "filters": [], "orderTypes": ["LIMIT"],
            }
            for base in prices
        ]  # fmt: skip
        return {"timezone": "UTC", "symbols": symbols}
    if path.endswith("/ticker/24hr"):
        return [
            {
                "symbol": f"{base}USDT", "lastPrice": price, "bidPrice": price, "askPrice": price, "openPrice": price,
                "priceChangePercent": "1.5", "quoteVolume": "1000000.5", "volume": "100", "closeTime": _now(),
            }
            for base, price in prices.items()
        ]  # fmt: skip
    return {"serverTime": _now()}


# Kraken


def _kraken_ticker(base: str, price: str) -> dict[str, Any]:
    """https://docs.kraken.com/api/docs/websocket-v2/ticker"""
    number = float(price)
    row = {
        "symbol": f"{base}/USD", "bid": number, "bid_qty": 1.0, "ask": number, "ask_qty": 1.0, "last": number, "volume": 90.5,
        "vwap": number, "low": number, "high": number, "change": 1.0, "change_pct": 1.5,
    }  # fmt: skip
    return {"channel": "ticker", "type": "update", "data": [row]}


def _kraken(prices: Prices, path: str) -> Any:
    names = {base: f"{base}USD" for base in prices}
    if path.endswith("/AssetPairs"):
        result: Any = {
            name: {
                "altname": name, "wsname": f"{base}/USD", "base": base, "quote": "ZUSD", "pair_decimals": 1,
                "lot_decimals": 8, "status": "online",
            }
            for base, name in names.items()
        }  # fmt: skip
    elif path.endswith("/Assets"):
        result = {base: {"aclass": "currency", "altname": base, "decimals": 10} for base in names}
        result["ZUSD"] = {"aclass": "currency", "altname": "USD", "decimals": 4}
    elif path.endswith("/Ticker"):
        result = {
            name: {
                "c": [prices[base], "1"], "v": ["5", "90.5"], "p": [prices[base]] * 2, "h": ["1", "1"], "l": ["1", "1"], "o": "1",
                "a": [prices[base], "1", "1"], "b": [prices[base], "1", "1"],
            }
            for base, name in names.items()
        }  # fmt: skip
    else:
        result = {"unixtime": _now() // 1000}
    return {"error": [], "result": result}


def _kraken_refusal(prices: Prices, parameters: Mapping[str, str]) -> Any:
    """One pair that it does not know is an error of all."""
    names = {f"{base}USD" for base in prices}
    asked = set(filter(None, parameters.get("pair", "").split(",")))
    return {"error": ["EQuery:Unknown asset pair"]} if asked - names else None


# Coinbase


def _coinbase_ticker(base: str, price: str) -> dict[str, Any]:
    """https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels, ticker."""
    row = {
        "type": "ticker", "product_id": f"{base}-USD", "price": price, "volume_24_h": "95.5", "low_24_h": price,
        "high_24_h": price, "price_percent_chg_24_h": "1.5", "best_bid": price, "best_ask": price,
        "best_bid_quantity": "1", "best_ask_quantity": "1",
    }  # fmt: skip
    moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {
        "channel": "ticker", "client_id": "", "timestamp": moment, "sequence_num": 0,
        "events": [{"type": "update", "tickers": [row]}],
    }  # fmt: skip


def _coinbase(prices: Prices, path: str) -> Any:
    if not path.endswith("/market/products"):
        return {"data": [], "products": []}
    products = [
        {
            "product_id": f"{base}-USD", "base_currency_id": base, "quote_currency_id": "USD", "product_type": "SPOT",
            "trading_disabled": False, "price": price, "price_percentage_change_24h": "1.5", "volume_24h": "95.5",
            "approximate_quote_24h_volume": "1000",
        }
        for base, price in prices.items()
    ]  # fmt: skip
    return {"products": products}


# OKX


def _okx_row(base: str, price: str) -> dict[str, str]:
    return {
        "instType": "SPOT", "instId": f"{base}-USDT", "last": price, "lastSz": "0.1", "askPx": price, "askSz": "1", "bidPx": price,
        "bidSz": "1", "open24h": price, "high24h": price, "low24h": price, "volCcy24h": "1000000.5", "vol24h": "100",
        "sodUtc0": price, "sodUtc8": price, "ts": str(_now()),
    }  # fmt: skip


def _okx_ticker(base: str, price: str) -> dict[str, Any]:
    """https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-tickers-channel"""
    return {
        "arg": {"channel": "tickers", "instId": f"{base}-USDT"},
        "data": [_okx_row(base, price)],
    }


def _okx(prices: Prices, path: str) -> Any:
    if path.endswith("/public/instruments"):
        rows: list[dict[str, str]] = [
            {
                "instType": "SPOT", "instId": f"{base}-USDT", "baseCcy": base, "quoteCcy": "USDT", "state": "live", "tickSz": "0.01",
                "lotSz": "0.0001", "minSz": "0.001", "listTime": "1500000000000", "ctVal": "", "lever": "", "settleCcy": "", "uly": "",
            }
            for base in prices
        ]  # fmt: skip
    else:
        rows = [_okx_row(base, price) for base, price in prices.items()]
    return {"code": "0", "msg": "", "data": rows}


# Bybit


def _bybit_row(base: str, price: str) -> dict[str, str]:
    """Its stream tells no book of spot markets."""
    return {
        "symbol": f"{base}USDT", "lastPrice": price, "highPrice24h": price, "lowPrice24h": price, "prevPrice24h": price,
        "volume24h": "100", "turnover24h": "1000000.5", "price24hPcnt": "0.015", "usdIndexPrice": price,
    }  # fmt: skip


def _bybit_ticker(base: str, price: str) -> dict[str, Any]:
    """https://bybit-exchange.github.io/docs/v5/websocket/public/ticker, Spot."""
    topic = f"tickers.{base}USDT"
    return {
        "topic": topic,
        "ts": _now(),
        "type": "snapshot",
        "cs": 1,
        "data": _bybit_row(base, price),
    }


def _bybit_acknowledged(asked: Any) -> list[Any]:
    """It takes ten topics of spot markets at once: https://bybit-exchange.github.io/docs/v5/ws/connect."""
    is_right = len(asked["args"]) <= 10
    message = "subscribe" if is_right else "args size >10"
    return [
        {
            "success": is_right,
            "ret_msg": message,
            "conn_id": "a",
            "req_id": asked["req_id"],
            "op": "subscribe",
        }
    ]


def _bybit(prices: Prices, path: str) -> Any:
    if path.endswith("/instruments-info"):
        rows: list[dict[str, Any]] = [
            {
                "symbol": f"{base}USDT", "baseCoin": base, "quoteCoin": "USDT", "status": "Trading", "marginTrading": "none",
                "lotSizeFilter": {"basePrecision": "0.0001", "quotePrecision": "0.01", "minOrderQty": "0.001", "maxOrderQty": "10"},
                "priceFilter": {"tickSize": "0.01"},
            }
            for base in prices
        ]  # fmt: skip
    elif path.endswith("/tickers"):
        rows = [
            _bybit_row(base, price) | {"bid1Price": price, "ask1Price": price}
            for base, price in prices.items()
        ]
    else:
        return {"retCode": 0, "result": {"timeSecond": str(_now() // 1000)}, "time": _now()}
    return {
        "retCode": 0,
        "retMsg": "OK",
        "result": {"category": "spot", "list": rows},
        "time": _now(),
    }


# Gate


def _gate_row(base: str, price: str) -> dict[str, str]:
    return {
        "currency_pair": f"{base}_USDT", "last": price, "lowest_ask": price, "highest_bid": price, "change_percentage": "1.5",
        "base_volume": "100", "quote_volume": "1000000.5", "high_24h": price, "low_24h": price,
    }  # fmt: skip


def _gate_ticker(base: str, price: str) -> dict[str, Any]:
    """https://www.gate.com/docs/developers/apiv4/ws/en/#tickers-channel"""
    return {
        "time": _now() // 1000, "time_ms": _now(), "channel": "spot.tickers", "event": "update", "result": _gate_row(base, price),
    }  # fmt: skip


def _gate(prices: Prices, path: str) -> Any:
    if "/margin/" in path:
        return []
    if path.endswith("/currency_pairs"):
        return [
            {
                "id": f"{base}_USDT", "base": base, "quote": "USDT", "fee": "0.2", "min_base_amount": "0.001",
                "min_quote_amount": "1", "amount_precision": 4, "precision": 2, "trade_status": "tradable", "type": "normal",
            }
            for base in prices
        ]  # fmt: skip
    return [_gate_row(base, price) for base, price in prices.items()]


# KuCoin

HOST = "{host}"
"""Stands in an answer for the address at which it was asked."""


def _kucoin_ticker(base: str, price: str) -> dict[str, Any]:
    """https://www.kucoin.com/docs-new/3470063w0, Ticker: what was traded in a day is told elsewhere."""
    data = {
        "bestAsk": price, "bestAskSize": "1", "bestBid": price, "bestBidSize": "1", "price": price, "sequence": "1", "size": "0.1",
        "time": _now(),
    }  # fmt: skip
    return {
        "type": "message",
        "topic": f"/market/ticker:{base}-USDT",
        "subject": "trade.ticker",
        "data": data,
    }


def _kucoin(prices: Prices, path: str) -> Any:
    data: Any = []
    if path.endswith("/bullet-public"):
        server = {
            "endpoint": f"ws://{HOST}/kucoin/endpoint", "encrypt": False, "protocol": "websocket", "pingInterval": 18000, "pingTimeout": 10000,
        }  # fmt: skip
        data = {"token": "a", "instanceServers": [server]}
    elif path.endswith("/symbols"):
        data = [
            {
                "symbol": f"{base}-USDT", "name": f"{base}-USDT", "baseCurrency": base, "quoteCurrency": "USDT", "feeCurrency": "USDT",
                "market": "USDS", "baseMinSize": "0.001", "quoteMinSize": "0.1", "baseMaxSize": "10", "quoteMaxSize": "99999",
                "baseIncrement": "0.001", "quoteIncrement": "0.01", "priceIncrement": "0.01", "enableTrading": True,
            }
            for base in prices
        ]  # fmt: skip
    elif path.endswith("/allTickers"):
        rows = [
            {
                "symbol": f"{base}-USDT", "symbolName": f"{base}-USDT", "buy": price, "sell": price, "changeRate": "0.015", "last": price,
                "high": price, "low": price, "vol": "100", "volValue": "1000000.5", "takerFeeRate": "0.001", "makerFeeRate": "0.001",
            }
            for base, price in prices.items()
        ]  # fmt: skip
        data = {"time": _now(), "ticker": rows}
    return {"code": "200000", "data": data}


# Bitstamp, whose tickers are not streamed


def _bitstamp(prices: Prices, path: str) -> Any:
    if path.strip("/").endswith("markets"):
        return [
            {
                "name": f"{base}/USD", "market_symbol": f"{base}usd".lower(), "base_currency": base, "base_decimals": 8,
                "counter_currency": "USD", "counter_decimals": 2, "minimum_order_value": "10", "trading": "Enabled",
                "instant_and_market_orders": "Enabled", "description": base, "market_type": "SPOT",
            }
            for base in prices
        ]  # fmt: skip
    return [
        {
            "timestamp": str(_now() // 1000), "high": price, "last": price, "bid": price, "vwap": price, "volume": "100", "low": price,
            "ask": price, "open": price, "open_24": price, "percent_change_24": "1.5", "pair": f"{base}/USD", "side": "0",
        }
        for base, price in prices.items()
    ]  # fmt: skip


DIALECTS = {
    "bitstamp": Dialect(lambda base, price: {}, _bitstamp),
    "binance": Dialect(
        _binance_ticker, _binance, lambda asked: [{"result": None, "id": asked["id"]}]
    ),
    "kraken": Dialect(
        _kraken_ticker, _kraken, pong=_answering("method", "req_id"), refusal=_kraken_refusal
    ),
    "coinbase": Dialect(_coinbase_ticker, _coinbase),
    "okx": Dialect(
        _okx_ticker,
        _okx,
        lambda asked: [
            {"event": "subscribe", "arg": arg, "connId": "a"} for arg in asked["args"]
        ],
        pong=lambda text: "pong" if text == "ping" else None,
    ),
    "bybit": Dialect(_bybit_ticker, _bybit, _bybit_acknowledged, lambda asked: asked["args"], _answering("op", "req_id")),
    "kucoin": Dialect(
        _kucoin_ticker,
        _kucoin,
        lambda asked: [{"id": asked["id"], "type": "ack"}],
        lambda asked: asked["topic"].partition(":")[2].split(","),
        _answering("type", "id"),
    ),
    "gate": Dialect(
        _gate_ticker,
        _gate,
        lambda asked: [
            {"time": 1, "id": asked["id"], "channel": "spot.tickers", "event": "subscribe", "result": {"status": "success"}}
        ],
    ),
}  # fmt: skip
