"""Nodes that fail in every way that nodes fail, chains without contracts, and addresses that must not be asked."""

import json
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import httpx2
import pytest
from embit import bip32, script

from coinsphere.chains import bitcoin, curated, multicall, solana
from coinsphere.chains.blockchains import CHAINS, MULTICALL3, Blockchain
from coinsphere.chains.model import TokenFacts
from coinsphere.chains.multicall import Call
from coinsphere.chains.rpc import CallFailed, Node, Question
from coinsphere.errors import BadPayload, ProviderError, RateLimited, Unavailable
from coinsphere.network import outbound
from tests.fakes.evm import world
from tests.fakes.evm.chain import Chain, NodeServer, served

ETHEREUM = CHAINS[Blockchain.ETHEREUM]
XPUB = "xpub6CUGRUonZSQ4TWtTMmzXdrXDtypWKiKrhko4egpiMZbpiaQL2jkwSB1icqYh2cfDfVxdx4df189oLKnC5fSwqPfgyP3hooxujYzAu3fDVmz"


@pytest.fixture(scope="module")
def http():
    with outbound.client(is_private_allowed=True, seconds=5) as opened:
        yield opened


@pytest.fixture(scope="module")
def good():
    with served(NodeServer(Chain({MULTICALL3: "multicall", world.USDC: "token"}))) as server:
        yield server


@pytest.fixture(scope="module")
def bad():
    with served(NodeServer(None)) as server:
        yield server


def _garbage(length: int = 1) -> bytes:
    return b"<html>" * length


FAULTS = {
    "429": (429, b'{"error": "slow down"}', RateLimited),
    "500": (500, b"oops", Unavailable),
    "502 with HTML": (502, _garbage(), Unavailable),
    "HTML": (200, _garbage(), BadPayload),
    "nothing": (200, b"", BadPayload),
    "a number": (200, b"7", BadPayload),
    "null": (200, b"null", BadPayload),
    "an empty list": (200, b"[]", BadPayload),
    "other ids": (200, b'[{"id": 99999, "result": "0x1"}]', BadPayload),
    "deep nesting": (200, b"[" * 200_000, BadPayload),
    "deep and whole": (200, b"[" * 90_000 + b"]" * 90_000, BadPayload),
    "17 MB": (200, _garbage(3_000_000), BadPayload),
    "a limit as an answer": (200, b'[{"id": null, "error": {"code": -32005, "message": "limit"}}]', RateLimited),
    "a fault as an answer": (200, b'[{"id": null, "error": {"code": -32603, "message": "internal"}}]', Unavailable),
    "a redirect": (302, b"", Unavailable),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_node_that_fails_is_told_apart_and_the_next_one_is_asked(
    good: NodeServer, bad: NodeServer, http, fault: str
) -> None:
    status, body, kind = FAULTS[fault]
    bad.faults = [(status, body)]
    with pytest.raises(kind):
        Node(ETHEREUM, [bad.url], http).call("eth_blockNumber")
    bad.faults = [(status, body)]
    node = Node(ETHEREUM, [bad.url, good.url], http)
    assert int(node.call("eth_blockNumber"), 16) >= 0
    asked = len(bad.requests)
    node.call("eth_blockNumber")
    assert len(bad.requests) == asked  # who answered is asked first


def test_a_node_of_another_chain_is_not_believed(good: NodeServer, bad: NodeServer, http) -> None:
    with pytest.raises(BadPayload, match="another chain"):
        Node(CHAINS[Blockchain.POLYGON], [good.url], http).call("eth_blockNumber")


def test_a_half_open_connection_is_given_up(http) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            outbound.client(is_private_allowed=True, seconds=0.3) as hasty,
            pytest.raises(Unavailable, match="ReadTimeout"),
        ):
            Node(ETHEREUM, [url], hasty).call("eth_blockNumber")


def test_a_connection_that_is_cut_in_an_answer_is_no_answer(http) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def cut() -> None:
            peer, _ = server.accept()
            peer.recv(4096)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[{")
            peer.close()

        thread = Thread(target=cut)
        thread.start()
        with pytest.raises(Unavailable, match=r"RemoteProtocolError|ReadError"):
            Node(ETHEREUM, [f"http://127.0.0.1:{server.getsockname()[1]}"], http).call(
                "eth_chainId"
            )
        thread.join()


def test_an_answer_that_comes_byte_by_byte_is_given_up(http) -> None:
    """Each byte comes in time; all of them never would."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def trickle() -> None:
            peer, _ = server.accept()
            with peer, suppress(OSError):
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
                while not done.wait(0.05):
                    peer.sendall(b" ")

        done = Event()
        thread = Thread(target=trickle)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with (
            outbound.client(is_private_allowed=True, seconds=0.3) as hasty,
            pytest.raises(Unavailable, match="takes too long"),
        ):
            Node(ETHEREUM, [url], hasty).call("eth_chainId")
        done.set()
        thread.join()


def test_a_node_that_has_fallen_behind_is_not_believed(good: NodeServer, http) -> None:
    now = datetime(2026, 11, 24, 8, tzinfo=UTC)
    with served(NodeServer(good.chain, newest=now - timedelta(minutes=16))) as late:
        with pytest.raises(Unavailable, match="newest block is 16 minutes old"):
            Node(ETHEREUM, [late.url], http).settled(now)
        node = Node(ETHEREUM, [late.url, good.url], http)
        assert node.settled(now).number == good.chain.height
        late.newest = now - timedelta(minutes=14)
        assert Node(ETHEREUM, [late.url], http).settled(now).number == good.chain.height


@pytest.mark.parametrize(
    "block", [b"null", b"7", b"[]", b"{}", b'{"number": "0x1", "hash": "0x2", "timestamp": "soon"}',
              b'{"number": "0x1", "hash": "0x2", "timestamp": "0xffffffffffffffffff"}']
)  # fmt: skip
def test_what_is_no_block_is_no_answer_and_the_next_node_is_asked(
    good: NodeServer, bad: NodeServer, http, block: bytes
) -> None:
    now = datetime(2026, 11, 24, 8, tzinfo=UTC)
    answer = (200, b'[{"id": 1, "result": "0x1"}, {"id": 2, "result": ' + block + b"}]")
    bad.faults = [answer]
    with pytest.raises(BadPayload, match="no block"):
        Node(ETHEREUM, [bad.url], http).settled(now)
    bad.faults = [answer]
    node = Node(ETHEREUM, [bad.url, good.url], http)
    assert node.settled(now).number == good.chain.height


def test_what_may_yet_be_taken_back_is_not_read(good: NodeServer, http) -> None:
    """As many blocks lie above the one that is read as the chain needs to be sure of it."""
    node = Node(ETHEREUM, [good.url], http)
    (latest,) = node.ask([Question("eth_getBlockByNumber", ("latest", False))])
    settled = node.settled(datetime(2026, 11, 24, 8, tzinfo=UTC))
    assert int(latest["number"], 16) - settled.number == 6
    assert all(chain.confirmations for chain in CHAINS.values() if chain.family == "evm")


def test_no_error_shows_the_key_in_a_nodes_address(bad: NodeServer, http) -> None:
    bad.faults = [(500, b"x")] * 2
    for url in (f"{bad.url}/v2/S3CR3T", "http://127.0.0.1:9/v2/S3CR3T"):
        with pytest.raises(ProviderError) as caught:
            Node(ETHEREUM, [url], http).call("eth_blockNumber")
        assert "S3CR3T" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_multicall_that_costs_too_much_is_asked_in_halves(
    good: NodeServer, http, monkeypatch
) -> None:
    node = Node(ETHEREUM, [good.url], http)
    block = int(node.call("eth_blockNumber"), 16)
    asked = []
    original = node.ask

    def limited(questions: list[Question]):
        size = max(len(question.parameters[0]["data"]) for question in questions)
        asked.append(size)
        if size > 4_000:
            raise CallFailed("ethereum", "out of gas")
        return original(questions)

    monkeypatch.setattr(node, "ask", limited)
    calls = [Call(world.USDC, "balanceOf(address)", (f"0x{n:040x}",)) for n in range(40)]
    calls.append(Call(world.DAI, "balanceOf(address)", (world.OWNER,)))
    found = multicall.asker(node, block)(calls)
    assert found == [(0,)] * 40 + [None]  # no contract is at the last one's address
    assert len(asked) > 3


def test_calls_that_fail_because_the_gas_ran_out_are_asked_again_and_not_taken_for_nothing(
    good: NodeServer, http, monkeypatch
) -> None:
    """A node that gives little gas lets the last calls of a multicall fail one by one, and says that all went well."""
    assert good.chain is not None
    good.chain.send(world.USDC, "mint", world.OWNER, 7)
    monkeypatch.setattr("tests.fakes.evm.chain._GAS", 1_600_000)
    node = Node(ETHEREUM, [good.url], http)
    block = int(node.call("eth_blockNumber"), 16)
    empty = [Call(world.USDC, "balanceOf(address)", (f"0x{n:040x}",)) for n in range(1, 90)]
    before = node.requests
    found = multicall.asker(node, block)(
        [*empty, Call(world.USDC, "balanceOf(address)", (world.OWNER,))]
    )
    assert found == [(0,)] * 89 + [(7,)]
    assert node.requests - before > 1
    monkeypatch.setattr("tests.fakes.evm.chain._GAS", 500_000)
    with pytest.raises(CallFailed, match="more than the node allows"):
        multicall.asker(node, block)(empty)


class Esplora:
    """Answers for some addresses, as a transport."""

    def __init__(self, held: dict[str, int]) -> None:
        self.held, self.asked = held, []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        address = request.url.path.rpartition("/")[2]
        self.asked.append(address)
        held = self.held.get(address)
        stats = {
            "funded_txo_sum": (held or 0) + 7,
            "spent_txo_sum": 7,
            "tx_count": int(held is not None),
        }
        return httpx2.Response(200, json={"chain_stats": stats, "mempool_stats": {"tx_count": 0}})


def test_an_extended_key_holds_what_its_addresses_hold_up_to_the_gap() -> None:
    key = bip32.HDKey.from_base58(XPUB)
    old, native = (
        {
            (branch, n): make(key.derive([branch, n])).address()
            for branch in (0, 1)
            for n in range(60)
        }
        for make in (script.p2pkh, script.p2wpkh)
    )
    # The 19th after the last used one is still found; the one that lies 21 behind is not.
    held = {
        old[0, 0]: 100,
        old[0, 19]: 20,
        old[1, 3]: 3,
        native[0, 5]: 4_000,
        native[0, 26]: 50_000,
    }
    server = Esplora(held)
    with httpx2.Client(transport=httpx2.MockTransport(server)) as client:
        assert bitcoin.balance(client, ["https://esplora.test/api"], XPUB) == 4_123
        assert bitcoin.balance(client, ["https://esplora.test/api"], old[0, 19]) == 20
    assert len(server.asked) == len(set(server.asked)) + 1


@pytest.mark.parametrize(
    "stats",
    [{}, {"funded_txo_sum": 1, "spent_txo_sum": 2, "tx_count": 1},
     {"funded_txo_sum": 22_000_000 * 10**8, "spent_txo_sum": 0, "tx_count": 1},
     {"funded_txo_sum": "5", "spent_txo_sum": "2", "tx_count": 1}],
)  # fmt: skip
def test_an_amount_of_bitcoin_that_cannot_be_is_refused(stats: dict) -> None:
    answer = {"chain_stats": stats, "mempool_stats": {"tx_count": 0}}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=answer))
    with httpx2.Client(transport=transport) as client, pytest.raises(BadPayload):
        bitcoin.balance(client, ["https://esplora.test"], "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")


@pytest.mark.parametrize("nonsense", ["-1", None, 1.5, "many", "1000000"])
@pytest.mark.parametrize("is_first", [False, True])
def test_solana_gives_the_coin_curated_tokens_and_ticked_ones_summed_over_accounts(
    nonsense: object, is_first: bool
) -> None:
    """Where an account of a token makes no sense, that token alone is not told."""
    usdc, spam, ticked = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "Spam1", "Tick1"

    def account(mint: str, amount: object, decimals: int = 6) -> dict:
        info = {"mint": mint, "tokenAmount": {"amount": amount, "decimals": decimals}}
        return {"account": {"data": {"parsed": {"info": info}}}}

    accounts = [account(usdc, nonsense), account(usdc, "500000")]
    if not is_first:
        accounts.reverse()

    def reply(request: httpx2.Request) -> httpx2.Response:
        results = iter(
            ({"value": 2_500_000_000},
             {"value": [*accounts, account(spam, "9" * 18)]},
             {"value": [account(ticked, "70", 1)]})
        )  # fmt: skip
        return httpx2.Response(
            200,
            json=[
                {"id": each["id"], "result": next(results)} for each in json.loads(request.content)
            ],
        )

    facts = {"": TokenFacts("SOL", 9), usdc.lower(): TokenFacts("USDC", 6)}
    known = curated.Directory({}, facts)
    with httpx2.Client(transport=httpx2.MockTransport(reply)) as client:
        node = Node(CHAINS[Blockchain.SOLANA], ["https://solana.test"], client)
        found = solana.balances(node, "owner", known, {ticked})
    told = {mint: each and (each.raw, each.facts.decimals) for mint, each in found.items()}
    usdc_held = (1_500_000, 6) if nonsense == "1000000" else None
    assert told == {"": (2_500_000_000, 9), usdc: usdc_held, ticked: (70, 1)}


PRIVATE = (
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "::ffff:169.254.169.254", "fe80::1",
    "fc00::1", "2002:7f00:1::", "64:ff9b:1::1", "64:ff9b::7f00:1", "ff02::1",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_behind_which_a_private_address_lies_is_not_asked(address: str) -> None:
    assert not outbound.is_public(address)
    for found in ([address], ["93.184.216.34", address]):
        with (
            outbound.client(
                is_private_allowed=False, resolve=lambda *_, all_=found: all_
            ) as client,
            pytest.raises(Unavailable, match="Refused"),
        ):
            outbound.ask(client, "x", "https://rpc.example", body={})


@pytest.mark.parametrize(
    "url",
    ["http://93.184.216.34", "https://93.184.216.34:8545", "https://127.1", "https://2130706433", "https://0x7f.1",
     "https://[::1]", "https://[::ffff:127.0.0.1]", "https://localhost"],
)  # fmt: skip
def test_plain_http_other_ports_and_other_spellings_of_this_machine_are_not_asked(url: str) -> None:
    with outbound.client(is_private_allowed=False) as client, pytest.raises(Unavailable):
        outbound.ask(client, "x", url, body={})


def test_a_name_is_resolved_once_and_its_checked_address_is_connected_to(good: NodeServer) -> None:
    """A server of names that answers first with one address and then with another is believed once."""
    port = int(good.url.rpartition(":")[2])
    answers = iter((["127.0.0.1"], ["127.0.0.99"]))
    asked = []

    def resolve(host: str, _: int) -> list[str]:
        asked.append(host)
        return next(answers)

    with outbound.client(is_private_allowed=True, resolve=resolve) as client:
        node = Node(ETHEREUM, [f"http://node.example:{port}"], client)
        node.call("eth_blockNumber")
    assert asked == ["node.example"]
