"""A folder of candle files as a source of market data. Its newest prices are as old as its newest candles."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from coinsphere.clock import DAY, Clock
from coinsphere.errors import BadPayload, ImportRefused, NotListed, ProviderError
from coinsphere.market.imports import candle_file, file_name
from coinsphere.market.model import Candle, Interval, Metadata, Quote, Token
from coinsphere.market.quality import validation
from coinsphere.market.sources.decimals import rounded


class FilesSource:
    """A `MarketDataSource` over a folder; None stands for prices that were imported and have no folder."""

    name = "files"

    def __init__(self, folder: Path | None, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self._problems: list[ProviderError] = []

    def candles(
        self, token: Token, interval: Interval, start: datetime, end: datetime
    ) -> Iterator[Candle]:
        """Candles that open in [start, end), file by file.

        Raises:
            NotListed: the folder has no file of that token, also if it has one of another interval.
        """
        paths = self._paths(token)
        if not paths:
            raise NotListed(self.name, f"no file of {token.symbol} in {self._folder}")
        return (
            candle
            for path in paths
            for candle in self._read(path, token, interval)
            if start <= candle.opened_at < end
        )

    def quotes(self, tokens: Sequence[Token]) -> list[Quote]:
        """The last close of each token that has a file, observed when that candle closed."""
        quotes = (self._last_quote(token) for token in tokens)
        return [quote for quote in quotes if quote is not None]

    def metadata(self, tokens: Sequence[Token]) -> list[Metadata]:  # noqa: ARG002 - the protocol's
        """None: candle files hold no supply or rank."""
        return []

    def take_problems(self) -> list[ProviderError]:
        """Files and rows that could not be read since the last call."""
        problems, self._problems = self._problems, []
        return problems

    def _paths(self, token: Token) -> list[Path]:
        if self._folder is None or not token.leads_symbol:
            return []
        return sorted(
            path
            for path in self._folder.rglob("*")
            if candle_file.is_candidate(path) and token.symbol in file_name.symbols(path)
        )

    def _read(self, path: Path, token: Token, interval: Interval | None) -> Iterator[Candle]:
        """The candles of one file; what cannot be read of it is noted once, by its first row."""
        bad = 0
        first = ""
        try:
            with candle_file.opened(path, token.symbol) as file:
                if interval is not None and file.interval is not interval:
                    return
                for _, row in file.rows(token.id, self._clock()):
                    if isinstance(row, Candle):
                        yield row
                    elif not (bad := bad + 1) > 1:
                        first = f"line {row.line}: {row.reason}"
        except ImportRefused as error:
            self._problems.append(BadPayload(self.name, str(error)))
        if bad:
            text = f"{path.name}: {bad} rows cannot be read, the first: {first}"
            self._problems.append(BadPayload(self.name, text))

    def _last_quote(self, token: Token) -> Quote | None:
        now = self._clock()
        closes = {
            candle.opened_at + candle.interval.duration: candle
            for path in self._paths(token)
            for candle in self._read(path, token, None)
            if candle.is_final and validation.candle_fault(candle, now) is None
        }
        if not closes:
            return None
        newest = max(closes)
        candle, day_before = closes[newest], closes.get(newest - DAY)
        change = day_before and rounded((candle.close / day_before.close - 1) * 100)
        traded = None
        if candle.volume is not None and candle.interval is Interval.DAY:
            traded = rounded(candle.volume * candle.close)
        return Quote(token.id, candle.close, traded, None, change, candle.source, newest)


def build(location: str | None, clock: Clock) -> FilesSource:
    """The source over the folder that the origin names."""
    return FilesSource(Path(location) if location else None, clock)
