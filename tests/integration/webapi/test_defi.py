"""Wallets over HTTP: connecting, proving, reading and disconnecting them; what belongs to others does not exist."""

import logging
import secrets
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_keys.constants import SECPK1_N
from pydantic import SecretStr

from coinsphere.chains.nodes import Nodes
from coinsphere.portfolio.jobs import recompute
from coinsphere.wallets import nonces, sync
from tests.fakes.evm import world
from tests.fakes.evm.chain import Chain, NodeServer, served
from tests.integration.webapi.conftest import NOW, Person, new_person

CONTRACT = "0x1271000000000000000000000000000000000001"
PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"


@pytest.fixture(scope="module")
def node():
    """A node of a chain with a wallet that uses everything, and one that is a contract."""
    with served(NodeServer(world.build())) as server:
        yield server


@pytest.fixture(scope="module")
def api_settings(api_settings, node):
    """The API's settings with nodes of our own."""
    own = SecretStr(f"ethereum={node.url},polygon={node.url}")
    return api_settings.model_copy(update={"wallet_nodes": own, "wallet_private_networks": True})


@pytest.fixture
def key():
    """A key of a wallet."""
    return Account.create()


def asked(person: Person, address: str, blockchain: str = "ethereum") -> dict:
    answer = person.get(f"/defi/connect/nonce?address={address}&blockchain={blockchain}")
    assert answer.status_code == 200, answer.text
    return answer.json["data"]


def signed(key, text: str) -> str:
    return key.sign_message(encode_defunct(text=text)).signature.hex()


def body(key, text: str, signature: str | None = None, **more: object) -> dict:
    return {
        "address": key.address, "blockchain": "ethereum", "message": text,
        "signature": signature or signed(key, text), **more,
    }  # fmt: skip


def read(person: Person, job_id: str, api_settings, module_database, now=NOW) -> None:
    """What the worker does with a sync and with what it marked."""
    with (
        psycopg.connect(module_database.pipeline, autocommit=True) as conn,
        Nodes(api_settings) as nodes,
    ):
        conn.execute("set search_path = app, market, model, jobs, public")
        sync.run(conn, UUID(job_id), nodes, lambda: now, is_last_try=True)
        recompute.update(conn, UUID(person.id), now)


def test_a_wallet_is_watched_without_and_owned_with_a_signed_message(person: Person, key) -> None:
    watched = person.post(
        "/defi/connect", {"address": key.address.lower(), "blockchain": "ethereum"}
    )
    assert watched.status_code == 201, watched.text
    assert watched.json["success"] is True
    wallet = watched.json["data"]["wallet"]
    assert (wallet["address"], wallet["ownership"], wallet["status"]) == (
        key.address,
        "watch",
        "active",
    )
    assert UUID(watched.json["data"]["syncJobId"])

    owned = person.post(
        "/defi/connect", body(key, asked(person, key.address)["message"], label="Main")
    )
    assert owned.status_code == 201, owned.text
    assert owned.json["data"]["wallet"] == {**wallet, "ownership": "verified", "label": "Main"}
    again = person.post("/defi/connect", {"address": key.address, "blockchain": "ethereum"})
    assert again.json["data"]["wallet"]["ownership"] == "verified"
    assert person.get("/defi/wallets").json["data"]["count"] == 1


def test_a_proof_counts_once_for_its_session_its_words_and_its_time(
    client, person: Person, key, clock
) -> None:
    fresh = lambda: asked(person, key.address)["message"]  # noqa: E731
    used = body(key, fresh())
    assert person.post("/defi/connect", used).status_code == 201
    other = new_person(client)
    malleable = fresh()
    high = bytearray(bytes.fromhex(signed(key, malleable)))
    high[32:64] = (SECPK1_N - int.from_bytes(high[32:64], "big")).to_bytes(32, "big")
    high[64] = 55 - high[64]
    refused = {
        "a replay": (person, used),
        "a nonce of another session": (other, body(key, fresh())),
        "another domain": (person, body(key, fresh().replace("localhost:3001", "evil.example", 1))),
        "another page": (person, body(key, fresh().replace("URI: http://localhost:3001", "URI: http://localhost:3001/x"))),
        "another chain": (person, body(key, fresh().replace("Chain ID: 1", "Chain ID: 137"))),
        "another version": (person, body(key, fresh().replace("Version: 1", "Version: 2"))),
        "another address": (person, body(key, fresh().replace(key.address, world.OWNER))),
        "another key": (person, body(key, text := fresh(), signed(Account.create(), text))),
        "the other form of a signature": (person, body(key, malleable, bytes(high).hex())),
        "a signature of something else": (person, body(key, text := fresh(), signed(key, text + " "))),
        "no message": (person, body(key, "hello")),
        "no hexadecimal": (person, body(key, fresh(), "0xzz")),
        "a nonce of one's own": (person, body(key, fresh().replace("Nonce: ", "Nonce: x"))),
        "half a proof": (person, {"address": key.address, "blockchain": "ethereum", "message": fresh()}),
        "no EVM": (person, {**body(key, fresh()), "blockchain": "solana", "address": "So11111111111111111111111111111111111111112"}),
    }  # fmt: skip
    late = body(key, fresh())
    for what, (who, given) in refused.items():
        answer = who.post("/defi/connect", given)
        assert answer.status_code == 400, f"{what}: {answer.text}"
        assert answer.json["success"] is False, what
        assert answer.json["message"] == answer.json["error"], what
    clock[0] = NOW + timedelta(minutes=5, seconds=1)
    try:
        assert "expired" in person.post("/defi/connect", late).json["error"]
    finally:
        clock[0] = NOW


def test_a_nonce_is_used_up_by_a_wrong_signature(person: Person, key) -> None:
    text = asked(person, key.address)["message"]
    assert (
        person.post("/defi/connect", body(key, text, signed(Account.create(), text))).status_code
        == 400
    )
    assert "used before" in person.post("/defi/connect", body(key, text)).json["error"]


def test_one_nonce_of_many_requests_at_once_proves_once(person: Person, module_database) -> None:
    """In the database: the row is gone for every other transaction that looks for it."""
    from concurrent.futures import ThreadPoolExecutor

    user, session = UUID(person.id), UUID(int=7)
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        nonce = nonces.issue(conn, user, session, NOW)

    def take(_: int) -> bool:
        with psycopg.connect(module_database.owner) as conn:
            return nonces.take(conn, user, session, nonce, NOW)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(24))) == 1


def test_a_contract_proves_by_approving(person: Person, monkeypatch, api_settings) -> None:
    chain = Chain({CONTRACT: "contract_wallet"})
    with served(NodeServer(chain)) as server:
        own = SecretStr(f"ethereum={server.url}")
        settings = api_settings.model_copy(update={"wallet_nodes": own})
        monkeypatch.setattr(
            "webapi.defi.use_cases.Nodes", lambda _, **options: Nodes(settings, **options)
        )
        text = asked(person, CONTRACT.lower())["message"]
        address = text.splitlines()[1]
        given = {
            "address": address,
            "blockchain": "ethereum",
            "message": text,
            "signature": "0x1234",
        }
        assert person.post("/defi/connect", given).status_code == 400

        from eth_account.messages import defunct_hash_message

        text = asked(person, address)["message"]
        chain.send(CONTRACT, "approve", bytes(defunct_hash_message(text=text)))
        answer = person.post("/defi/connect", {**given, "message": text})
        assert answer.status_code == 201, answer.text
        assert answer.json["data"]["wallet"]["ownership"] == "verified"
    text = asked(person, address)["message"]
    away = person.post("/defi/connect", {**given, "message": text})
    assert (away.status_code, away.json["success"]) == (503, False)


@pytest.mark.parametrize(
    "given",
    [
        {"address": PHRASE},
        {"address": "0x" + "4c" * 32},
        {"address": "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", "blockchain": "bitcoin"},
        {"address": world.OWNER, "label": PHRASE.replace(" ", ", ").upper()},
        {"address": world.OWNER, "message": f"my words: {PHRASE}", "signature": "0x12"},
    ],
    ids=["phrase", "hex", "wif", "label", "message"],
)
def test_a_seed_phrase_or_a_private_key_is_refused_and_written_nowhere(
    person: Person, given: dict, owner_db: psycopg.Connection, caplog, capsys
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = person.post("/defi/connect", {"blockchain": "ethereum", **given})
    assert (answer.status_code, answer.json["type"].rpartition(":")[2]) == (400, "secret-refused")
    written = capsys.readouterr()
    everything = answer.text + caplog.text + written.out + written.err
    for (table,) in owner_db.execute(
        "select table_name from information_schema.tables where table_schema = 'app' and table_type = 'BASE TABLE'"
    ).fetchall():
        rows = owner_db.execute(
            psycopg.sql.SQL("select to_jsonb(t)::text from {} t").format(
                psycopg.sql.Identifier("app", table)
            )
        )
        everything += " ".join(text for (text,) in rows)
    for secret in (
        value
        for name, value in given.items()
        if name in ("address", "label", "message") and value != world.OWNER
    ):
        assert secret not in everything
    assert "input.refused" in everything


@pytest.mark.parametrize(
    ("blockchain", "address"),
    [
        ("ethereum", "0xD8dA6BF26964aF9D7eEd9e03E53415D37aA96045"),
        ("ethereum", "0x12"),
        ("bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"),
        ("bitcoin", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"),
        ("solana", world.OWNER),
        ("dogecoin", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L"),
    ],
)
def test_what_is_no_address_of_its_chain_is_refused(
    person: Person, blockchain: str, address: str
) -> None:
    answer = person.post("/defi/connect", {"address": address, "blockchain": blockchain})
    assert (answer.status_code, answer.json["success"]) == (400, False)
    assert answer.json["details"][0]["path"] in ("address", "blockchain")


def test_balances_go_through_the_ledger_of_the_chosen_portfolio_and_leave_with_the_wallet(
    person: Person, api_settings, module_database, owner_db
) -> None:
    portfolio = person.post("/portfolios", {"name": "Chain"}).json["portfolio"]["id"]
    given = {"address": world.OWNER, "blockchain": "ethereum", "portfolioId": portfolio}
    made = person.post("/defi/connect", given).json["data"]
    for symbol, price in (("ETH", 3000), ("USDC", 1)):
        owner_db.execute(
            """insert into market.quotes (token_id, price, source, observed_at)
               select id, %s, 'test', %s from market.tokens where symbol = %s on conflict do nothing""",
            [price, NOW, symbol],
        )
    read(person, made["syncJobId"], api_settings, module_database)

    done = person.get(f"/defi/sync/{made['syncJobId']}").json["data"]
    assert (done["status"], done["imported"], done["error"]) == ("succeeded", 2, None)
    held = {
        each["token"]["symbol"]: each["amount"]
        for each in person.get(f"/portfolios/{portfolio}").json["portfolio"]["holdings"]
    }
    assert held == {"ETH": Decimal("2.5"), "USDC": 1500}
    balances = person.get(f"/defi/wallets/{made['wallet']['id']}/balances").json["data"]
    assert {each["symbol"]: each["amount"] for each in balances["balances"]} == held

    found = person.get("/defi/positions")
    assert '"amount":1.2' in found.text
    data = found.json["data"]
    debts = [each for each in data["positions"] if each["positionType"] == "borrowed"]
    assert data["count"] == len(data["positions"]) > 20
    assert {each["protocol"]["slug"] for each in debts} == {"aave-v3", "compound-v2", "compound-v3"}
    listed = {each["slug"] for each in person.get("/defi/protocols").json["data"]}
    assert "compound-v3" in listed
    stats = person.get("/defi/stats").json["data"]
    assert (stats["walletsCount"], stats["protocolsCount"]) == (1, 11)
    (mine,) = stats["byPortfolio"]
    assert (mine["portfolioId"], mine["currency"]) == (portfolio, "USD")
    assert mine["defi"]["totalValue"] == stats["totalValue"]
    assert mine["netWorth"] == mine["holdingsValue"] + stats["totalValue"]
    shown = person.get(f"/portfolios/{portfolio}").json["portfolio"]
    assert (shown["totalValue"], shown["netWorth"]) == (mine["holdingsValue"], mine["netWorth"])
    assert shown["defi"] == mine["defi"]
    assert shown["defi"]["borrowed"] == stats["totalBorrowed"] > 10_000
    assert person.get("/portfolios").json["netWorth"] == mine["netWorth"]

    wallet_id = made["wallet"]["id"]
    assert person.ask("DELETE", f"/defi/wallets/{wallet_id}").json["success"] is True
    with psycopg.connect(module_database.pipeline, autocommit=True) as conn:
        conn.execute("set search_path = app, market, model, jobs, public")
        recompute.update(conn, UUID(person.id), NOW)
    assert person.get(f"/portfolios/{portfolio}").json["portfolio"]["holdings"] == []
    assert person.get("/defi/positions").json["data"]["count"] == 0


def test_ones_wallets_do_not_exist_for_others(client, person: Person, key) -> None:
    made = person.post("/defi/connect", {"address": key.address, "blockchain": "base"}).json["data"]
    other, wallet_id = new_person(client), made["wallet"]["id"]
    for method, path, given in (
        ("GET", f"/defi/wallets/{wallet_id}", None),
        ("DELETE", f"/defi/wallets/{wallet_id}", None),
        ("GET", f"/defi/wallets/{wallet_id}/balances", None),
        ("PUT", f"/defi/wallets/{wallet_id}/tokens", {"contracts": [world.DAI]}),
        ("POST", "/defi/sync", {"walletId": wallet_id}),
        ("GET", f"/defi/sync/{made['syncJobId']}", None),
    ):
        answer = other.ask(method, path, json=given) if given else other.ask(method, path)
        assert (answer.status_code, answer.json["success"]) == (404, False), path
    foreign = person.post("/portfolios", {"name": "Mine"}).json["portfolio"]["id"]
    answer = other.post(
        "/defi/connect", {"address": key.address, "blockchain": "base", "portfolioId": foreign}
    )
    assert answer.status_code == 404
    assert other.get("/defi/wallets").json["data"] == {"wallets": [], "count": 0}
    assert client.get("/api/v1/defi/protocols").json["success"] is False


def test_a_sync_that_waits_is_not_doubled_and_tokens_can_be_ticked(person: Person, key) -> None:
    made = person.post("/defi/connect", {"address": key.address, "blockchain": "ethereum"}).json[
        "data"
    ]
    started = person.post("/defi/sync", {})
    assert started.status_code == 202
    assert started.json["data"]["syncs"] == [
        {"walletId": made["wallet"]["id"], "jobId": made["syncJobId"]}
    ]
    path = f"/defi/wallets/{made['wallet']['id']}/tokens"
    answer = person.ask("PUT", path, json={"contracts": [world.DAI.lower(), world.DAI]})
    assert answer.json["data"]["wallet"]["tokens"] == [world.DAI]
    wrong = person.ask("PUT", path, json={"contracts": ["0x" + secrets.token_hex(19)]})
    assert (wrong.status_code, wrong.json["details"][0]["path"]) == (400, "contracts.0")


def test_protocols_are_the_ten_of_the_seeds_with_what_is_known_of_them(
    person: Person, owner_db: psycopg.Connection
) -> None:
    owner_db.execute(
        """update app.defi_protocols set tvl = 23908962564.123456789012345678, tvl_observed_at = %s,
               source = 'defillama'
           where slug = 'lido'""",
        [NOW],
    )
    owner_db.execute(
        """insert into app.defi_yields (protocol_id, pool, blockchain, symbol, tvl, apy, observed_at)
           select id, 'p', 'ethereum', 'STETH', 1, 2.235, %s from app.defi_protocols where slug = 'lido'""",
        [NOW],
    )
    answer = person.get("/defi/protocols")
    assert "23908962564.123456789012345678" in answer.text
    first = answer.json["data"][0]
    assert (first["slug"], first["category"], first["blockchain"]) == (
        "lido",
        "staking",
        "ethereum",
    )
    assert Decimal(str(first["apy"])) == Decimal("2.235")
    assert answer.json["count"] >= 10
    assert {each["tvl"] for each in answer.json["data"][1:]} == {None}
