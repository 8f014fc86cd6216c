"""Reads the name of a candle file: the token, the currency, and whether it holds spot prices at all.

`BTC.csv`, `BTCUSDT-1d-2024-01.zip`, `Binance_BTCUSDT_1h.csv`, `BTC__source.csv`. Prices are kept in US dollars, so a
file in another currency is refused, as is one of futures, options or of an index: none of them is a spot price.
Names of contracts are written as the exchanges document them: Binance (`BTCUSD_PERP`, `BTCUSDT_241227`), OKX
(`BTC-USDT-SWAP`), Deribit (`BTC-28JUN24`, `BTC-PERPETUAL`), BitMEX (`XBTM24`), Kraken (`PI_XBTUSD`), KuCoin
(`XBTUSDM`), TradingView (`BTCUSDT.P`), Yahoo (`BTC=F`).
"""

import re
from datetime import datetime
from pathlib import Path

from coinsphere.errors import ImportRefused

QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD")
"""Quote currencies that a file name may carry after the symbol; all are taken as US dollars."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FIAT = _words("""
    AED ARS AUD BGN BRL CAD CHF CLP CNH CNY COP CZK DKK EUR GBP GEL HKD HUF IDR ILS INR JPY KES KRW KZT MXN MYR NGN NOK
    NZD PHP PKR PLN RON RUB SAR SEK SGD THB TRY TWD UAH VND ZAR
""")
_TOKENS = _words(
    "BTC XBT ETH BNB TRX XRP DOGE DOT SOL LTC BCH EURI EURC EURS EURT BIDR BKRW IDRT BVND GYEN XSGD"
)
"""Tokens that others are priced in, most of them for other currencies than the dollar."""
OTHER_CURRENCIES = _FIAT | _TOKENS

_NOT_PAIRS = _words(
    "WBTC TBTC CBBTC SBTC HBTC LBTC RENBTC BTCB WETH STETH WSTETH CBETH RETH WEETH EZETH METH OSETH RSETH WBETH BETH "
    "FRXETH SFRXETH ANKRETH WBNB WSOL JITOSOL MSOL BNSOL JUPSOL WXRP WDOGE AEUR CEUR AGEUR STRX CHEUR SEUR"
)
"""Symbols of tokens that end with the symbol of another currency."""
VENUES = _words(
    "BINANCE BINANCEUS BITFINEX BITHUMB BITMART BITSTAMP BITTREX BYBIT CEX CEXIO COINBASE EXMO FTX GATEIO GEMINI HTX "
    "HUOBI ITBIT KRAKEN KUCOIN MEXC OKCOIN OKEX OKX POLONIEX UPBIT YAHOO"
)
"""Exchanges that may stand before the symbol."""

_CONTRACTS = _words(
    "PERP PERPETUAL SWAP FUTURE FUTURES DELIVERY QUARTERLY QUARTER BIQUARTERLY BIQUARTER NEXTQUARTER COINM USDM USDTM "
    "USDCM OPTION OPTIONS CW NW CQ NQ P MOVE INVERSE"
)
_CONTRACT_HEADS = frozenset(("PI", "PF", "FI", "FF", "PV"))
"""Kinds of Kraken's futures, before the symbol."""
_COMPOUND = re.compile(r"(?<![A-Z])(?:USD[TSC]?[-_ ]?M|COIN[-_ ]?M|NEXT[-_ ]QUARTER)(?![A-Z])")
_JOINED = re.compile(r"[A-Z0-9]{2,}(?:PERP|SWAP|USDM|USDTM|USDCM)|[A-Z]{2,6}[FGHJKMNQUVXZ]\d{2}")
_MARKED = re.compile(r"=F$|\d!$")
_DAY_MONTH_YEAR = re.compile(r"\d{1,2}(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)\d{2}")
_INDEX = re.compile(
    r"(?<![A-Z])(PREMIUM|MARK|INDEX|FUNDING|VOLATILITY|DVOL|DOMINANCE|RETURNS?|HEIKIN[-_ ]?ASHI)(?:[-_ ]?(?:PRICE|INDEX|RATES?))*(?:[-_ ]?KLINES?)?(?![A-Z])"
)
_FOLDERS = frozenset(("premiumindexklines", "markpriceklines", "indexpriceklines", "option"))
_MARGINED = frozenset(("um", "cm"))
_INTERVAL = re.compile(r"\d{1,2}(?:S|M|H|D|W|MO)")
_SPLIT = re.compile(r"[-_. ]+")


def symbols(path: Path) -> list[str]:
    """The symbols that a file name may stand for, the likeliest first: `BTCUSDT_1h.csv` is BTCUSDT or BTC."""
    head, *_ = _parts(path)
    bases = {head.removesuffix(quote) for quote in QUOTES if head.endswith(quote) and head != quote}
    other = _other_at_end(head)
    if other is not None:
        bases.add(head.removesuffix(other))
    return [head, *sorted(bases, key=len)]


def require_spot_in_dollars(path: Path, symbol: str | None) -> None:
    """Raise unless a file's name fits spot prices of one token in US dollars.

    Args:
        path: of the file; of its folders only those that Binance's archive has for contracts count.
        symbol: the token that is meant, one of `symbols`; None where it is only known from this name.

    Raises:
        ImportRefused: it names another currency, a contract or an index, or nothing.
    """
    require_named(path)
    head, *rest = _parts(path)
    after = _stem(path).upper().partition(head)[2]
    contract = _contract(path, after, head, rest, symbol)
    if contract is not None:
        raise ImportRefused(
            f"{path.name}: {contract} names a future, swap or option, whose price and volume are not the token's; "
            "only spot prices are kept"
        )
    index = _index(path, after)
    if index is not None:
        raise ImportRefused(f"{path.name}: {index} is no price at which the token was traded")
    currency = _currency(head, rest, symbol)
    if currency is not None:
        raise ImportRefused(
            f"{path.name}: holds prices in {currency}, and only US dollars are kept; convert them by the rate of each "
            "day first"
        )


def require_dollars(path: Path, pair: str) -> None:
    """Raise where a pair named within a file, such as `LTC/EUR`, is in another currency or a contract.

    Raises:
        ImportRefused: it is.
    """
    name = pair.upper().replace("/", "-").strip()
    head, *rest = _SPLIT.split(name) or [""]
    contract = _contract(Path(name), name.partition(head)[2], head, rest, None)
    if contract is not None:
        raise ImportRefused(
            f"{path.name}: its rows are of {pair[:20]!r}, and {contract} names a future, swap or option; only spot "
            "prices are kept"
        )
    currency = _currency(head, rest, None)
    if currency is not None:
        raise ImportRefused(
            f"{path.name}: its rows are of {pair[:20]!r}, prices in {currency}, and only US dollars are kept"
        )


def require_named(path: Path) -> None:
    """Raise unless a file's name is text that begins with a symbol; Linux takes any bytes for a name.

    Raises:
        ImportRefused: it is not.
    """
    name = shown(path)
    if name != path.name:
        raise ImportRefused(f"{name}: its name is not text in UTF-8; rename it")
    if not _parts(path)[0]:
        raise ImportRefused(f"{name}: the name of a file begins with its token's symbol")


def shown(path: Path) -> str:
    """The name of a file in a form that any terminal and database accepts."""
    return path.name.encode(errors="backslashreplace").decode()


def _parts(path: Path) -> list[str]:
    """The parts of a name without exchanges before it."""
    parts = _SPLIT.split(_stem(path).upper().strip("-_. ")) or [""]
    while len(parts) > 1 and parts[0] in VENUES:
        parts = parts[1:]
    return parts


def _stem(path: Path) -> str:
    name = path.name
    while name.lower().endswith((".csv", ".zip")):
        name = name[:-4]
    return name


def _currency(head: str, rest: list[str], symbol: str | None) -> str | None:
    """The first currency in a name that is not the dollar, beside the token itself."""
    other = _other_at_end(head)
    if other is not None and symbol != head:
        return other
    for part in rest:
        if part in OTHER_CURRENCIES:
            return part
        if part in QUOTES:
            return None
    return None


def _other_at_end(head: str) -> str | None:
    if head in _NOT_PAIRS or head.endswith(QUOTES):
        return None
    fitting = [each for each in OTHER_CURRENCIES if head.endswith(each) and head != each]
    return max(fitting, key=len, default=None)


def _contract(path: Path, after: str, head: str, rest: list[str], symbol: str | None) -> str | None:
    """What in a name or its folders speaks of a contract."""
    folders = [part.lower() for part in path.parts[:-1]]
    if _MARGINED & set(folders) and "futures" in folders:
        return "the folder futures"
    if head in _CONTRACT_HEADS and rest:
        return head
    if head != symbol and (_JOINED.fullmatch(head) or _MARKED.search(head)):
        return head
    match = _COMPOUND.search(after) or re.match(r"\.P(?![A-Z])", after)
    if match is not None:
        return match.group()
    dated = [part for part in _before_interval(rest) if _is_delivery(part)]
    return next((part for part in rest if part in _CONTRACTS), dated[0] if dated else None)


def _before_interval(parts: list[str]) -> list[str]:
    """What stands before the interval: after it, digits say of which days the file is."""
    ends = [place for place, part in enumerate(parts) if _INTERVAL.fullmatch(part)]
    return parts[: ends[0]] if ends else parts


def _is_delivery(part: str) -> bool:
    """Whether a part is the day on which a contract is delivered: 241227, 1227 or 27DEC24."""
    if _DAY_MONTH_YEAR.fullmatch(part):
        return True
    written = {6: part, 4: f"24{part}"}.get(len(part))
    if written is None or not (written.isascii() and written.isdecimal()):
        return False
    try:
        datetime.strptime(written, "%y%m%d")  # noqa: DTZ007 - only whether it is one
    except ValueError:
        return False
    return True


def _index(path: Path, after: str) -> str | None:
    """What in a name or its folders speaks of an index, a mark price, a premium, a rate of funding or a computed figure."""
    folder = next((part for part in path.parts[:-1] if part.lower() in _FOLDERS), None)
    match = _INDEX.search(after)
    return folder or (match and match.group())
