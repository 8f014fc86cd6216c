"""The feed as the local system starts it, between venues that speak their own protocols and a client of the stream."""

import asyncio
import signal
from datetime import UTC, datetime
from decimal import Decimal

from coinsphere.market.feed import states

from .conftest import receive, running, say
from .feeding import VENUES, all_heard, feed, price, until, venue_states


def test_a_price_goes_from_the_venues_to_a_client_of_the_stream(
    world, database, owner, streams, tmp_path
):
    account = world.account()

    async def talk() -> dict:
        async with running(world) as stream, stream.client(account) as client:
            await say(client, "subscribe", symbols=["BTC"])
            await receive(client, "subscribed")
            await asyncio.to_thread(until, lambda: all_heard(owner))
            for name in VENUES:
                await asyncio.to_thread(streams.say, name, BTC="101.125")
            while True:
                update = await receive(client, "price_update", 60)
                if update["price"] == 101.125:
                    return update

    with feed(database, streams, tmp_path) as process:
        update = asyncio.run(talk())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert update["symbol"] == "BTC"
    assert update["priceSource"] == "consensus"
    assert venue_states(owner)["binance"].updates > 0


def test_a_minute_is_stored_with_all_that_it_was_made_of(database, owner, streams, tmp_path):
    with feed(database, streams, tmp_path):
        until(lambda: states.fed(owner, datetime.now(UTC)))
        row = until(
            lambda: owner.execute(
                "select c.constituents, c.state from market.consensus c join market.tokens t on t.id = c.token_id"
                " where symbol = 'BTC' and state = 'ok'"
            ).fetchone(),
            150,
        )
    said = {(each["venue"], each["currency"]) for each in row[0]}
    assert said == {("binance", "USDT"), ("kraken", "USD"), ("coinbase", "USD")}
    assert states.feed(owner).tokens == 3
    assert price(owner) == Decimal("100.5")


def test_an_alert_fires_between_two_minutes_where_that_is_set(
    world, database, owner, streams, tmp_path
):
    account = world.account()
    owner.execute(
        "insert into app.alerts (user_id, token_id, alert_type, condition, threshold, channels)"
        " values (%s, %s, 'price', 'above', 110, '{stream}')",
        [account.user_id, world.token_id("BTC")],
    )
    with feed(database, streams, tmp_path, COINSPHERE_ALERTS_ON_CONSENSUS="true"):
        until(lambda: price(owner) == Decimal("100.5"))
        minutes = until(lambda: owner.execute("select count(*) from market.consensus").fetchone())
        for name in VENUES:
            streams.say(name, BTC="111.5")
        fired = until(
            lambda: owner.execute(
                "select observed_value, threshold, source from app.alert_events"
            ).fetchall()
        )
    assert fired == [(Decimal("111.5"), Decimal(110), "consensus")]
    assert minutes[0] > 0
