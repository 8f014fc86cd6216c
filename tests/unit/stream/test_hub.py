"""Who gets which message, and that nobody who has gone is remembered."""

from uuid import UUID

from coinsphere.stream.hub import CONNECTIONS_OF_A_USER, QUEUE_MESSAGES, Client, Hub

ADA, EVE = UUID(int=1), UUID(int=2)


def _client(hub: Hub, user: UUID, dropped: list | None = None) -> Client:
    drop = ([] if dropped is None else dropped).append
    client = Client(user, UUID(int=9), lambda: drop(1), lambda: None)
    hub.add(client)
    return client


def _received(client: Client) -> list[str]:
    return list(client.take())


def test_messages_reach_subscribers_and_owners_only():
    hub = Hub()
    ada, eve = _client(hub, ADA), _client(hub, EVE)
    hub.subscribe(ada, {"BTC"})
    hub.to_subscribers("BTC", "price")
    hub.to_user(EVE, "alert")
    assert (_received(ada), _received(eve)) == (["price"], ["alert"])
    hub.unsubscribe(ada, {"BTC"})
    hub.to_subscribers("BTC", "price")
    assert _received(ada) == []


def test_a_sender_is_woken_for_the_first_message_that_waits_and_for_no_further_one():
    woken = []
    client = Client(ADA, UUID(int=9), lambda: None, lambda: woken.append(client.waiting))
    for _ in range(2):
        client.offer("first")
        client.offer("second")
        assert list(client.take()) == ["first", "second"]
    assert woken == [0, 0]
    assert client.waiting == 0


def test_a_client_that_has_gone_leaves_nothing_behind():
    hub = Hub()
    client = _client(hub, ADA)
    hub.subscribe(client, {"BTC"})
    hub.remove(client)
    hub.to_subscribers("BTC", "price")
    hub.to_user(ADA, "alert")
    assert (_received(client), hub.clients, hub.users) == ([], [], set())
    assert not hub._by_symbol


def test_a_user_has_a_few_connections():
    hub = Hub()
    clients = [_client(hub, ADA) for _ in range(CONNECTIONS_OF_A_USER)]
    assert not hub.has_room(ADA)
    assert hub.has_room(EVE)
    hub.remove(clients[0])
    assert hub.has_room(ADA)


def test_a_client_that_does_not_keep_up_is_dropped_and_its_queue_stays_bounded():
    hub, dropped = Hub(), []
    client = _client(hub, ADA, dropped)
    hub.subscribe(client, {"BTC"})
    for _ in range(QUEUE_MESSAGES):
        hub.to_user(ADA, "alert")
    assert dropped == []
    hub.to_user(ADA, "alert")
    assert dropped == [1]
    assert client.waiting == QUEUE_MESSAGES


def test_a_slow_client_gets_the_newest_price_of_each_symbol_and_not_all():
    hub, dropped = Hub(), []
    client = _client(hub, ADA, dropped)
    hub.subscribe(client, {"BTC", "ETH"})
    hub.to_subscribers("BTC", "BTC 0")
    hub.to_user(ADA, "alert")
    for number in range(1, 10 * QUEUE_MESSAGES):
        hub.to_subscribers("BTC", f"BTC {number}")
        hub.to_subscribers("ETH", f"ETH {number}")
    last = 10 * QUEUE_MESSAGES - 1
    assert client.waiting == 3
    assert _received(client) == [f"BTC {last}", "alert", f"ETH {last}"]
    assert dropped == []
    hub.to_subscribers("BTC", "BTC after")
    assert _received(client) == ["BTC after"]
