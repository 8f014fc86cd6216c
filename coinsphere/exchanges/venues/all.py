"""The exchanges that can be connected."""

from coinsphere.exchanges.model import Venue
from coinsphere.exchanges.venues.binance import Binance
from coinsphere.exchanges.venues.bybit import Bybit
from coinsphere.exchanges.venues.coinbase import Coinbase
from coinsphere.exchanges.venues.kraken import Kraken
from coinsphere.exchanges.venues.kucoin import Kucoin
from coinsphere.exchanges.venues.okx import Okx

VENUES: dict[str, Venue] = {
    venue.id: venue for venue in (Binance(), Coinbase(), Kraken(), Kucoin(), Okx(), Bybit())
}
