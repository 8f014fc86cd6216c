"""Where prices and exchange rates come from, and how long they are kept."""

from pathlib import Path

from pydantic import Field, SecretStr

from coinsphere.settings.base import Base


class Market(Base):
    """Where prices and exchange rates come from, and how long they are kept."""

    market: str = Field(
        "auto",
        pattern="^(auto|live|simulated|files(:.+)?)$",
        description="Where prices come from when the local database is created: `auto`, `live`, `simulated` or "
        "`files:DIR`. Recorded in the database; later changes are refused.",
    )
    market_exchanges: tuple[str, ...] = Field(
        (
            "binance",
            "coinbase",
            "kraken",
            "okx",
            "bybit",
            "kucoin",
            "bitstamp",
            "gate",
            "bitfinex",
        ),
        description="Exchanges asked for public prices (comma-separated): for quotes all at once, for candles in this "
        "order of preference.",
    )
    market_quorum: int = Field(
        3, ge=1, le=20, description="Venues that have to agree before a price counts as `ok`."
    )
    market_consensus_days: int = Field(
        30,
        ge=7,
        le=3650,
        description="Days that each minute's price is kept with what it was made of; of older ones each hour's stays.",
    )
    market_feed: bool = Field(
        default=True,
        description="Quotes of a live market are streamed by the process `feed`; else they are asked for each minute alone.",
    )
    market_feed_silence_seconds: float = Field(
        30,
        ge=1,
        le=90,
        description="A venue whose stream gives no price for so long is asked instead, and its stream opened anew.",
    )
    market_feed_poll_seconds: float = Field(
        20,
        ge=1,
        le=60,
        description="So often a venue is asked whose stream does not work.",
    )
    alerts_on_consensus: bool = Field(
        default=False,
        description="Alerts are evaluated on each price that the feed stores, several times a second; else each minute.",
    )
    market_quote_currencies: tuple[str, ...] = Field(
        ("USDT", "USD", "USDC"),
        description="Quote currencies of candles that are accepted as US dollars, in order of preference.",
    )
    market_history_days: int = Field(
        1500, ge=90, le=10_000, description="Days of daily candles fetched at first."
    )
    market_hourly_days: int = Field(
        30, ge=1, le=730, description="Days of hourly candles fetched at first."
    )
    market_seed: int = Field(20260101, ge=0, description="Seed of the simulated market.")
    market_stale_seconds: int = Field(300, ge=30, description="A quote older than this is stale.")
    coingecko_url: str = Field(
        "https://api.coingecko.com/api/v3", description="CoinGecko's base URL."
    )
    deribit_url: str = Field(
        "https://www.deribit.com/api/v2",
        description="Deribit's base URL; asked for implied volatility each day where the market is live.",
    )
    coingecko_api_key: SecretStr | None = Field(
        None, description="CoinGecko demo key; works without."
    )
    exchange_rates_url: str = Field(
        "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip",
        description="Reference rates of the European Central Bank: its zip, CSV or XML; empty: not fetched.",
    )
    exchange_rates_file: Path | None = Field(
        None, description="The same from a file, for where the address does not answer."
    )
    exchange_base_url: str | None = Field(
        None,
        description="Base URL that replaces every exchange's own (a recording proxy, a test server).",
    )
