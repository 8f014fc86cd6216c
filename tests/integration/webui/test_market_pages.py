"""Markets, a token and the dashboard show what the API says, exactly, and say so where nobody knows."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from coinsphere.portfolio.jobs import recompute
from tests.integration.webapi.conftest import NOW, OPTIONS, PASSWORD, V1, quote
from tests.integration.webui import seeds
from tests.integration.webui.conftest import HTML
from webui import figures

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module", autouse=True)
def market(module_database, model_server) -> None:
    seeds.market(module_database.owner, NOW)
    seeds.forecasts(model_server.answers, NOW)


@pytest.fixture
def investor(member, app, module_database, owner_db):
    """A member with a portfolio whose values are worked out by hand below."""
    client = app.test_client()
    credentials = {"email": member.email, "password": PASSWORD}
    opened = client.post(f"{V1}/auth/login", json=credentials).json
    bearer = {"Authorization": f"Bearer {opened['accessToken']}"}
    made = client.post(f"{V1}/portfolios", json={"name": "Main"}, headers=bearer).json
    bought = [
        {
            "portfolioId": made["portfolio"]["id"],
            "tokenSymbol": symbol,
            "type": "buy",
            "amount": amount,
            "pricePerUnit": price,
            "timestamp": (NOW - timedelta(days=100)).isoformat(),
        }
        for symbol, amount, price in (("BTC", "0.5", "50000"), ("SHIB", "1000000", "0.00001"))
    ]
    answer = client.post(f"{V1}/transactions/bulk", json={"transactions": bought}, headers=bearer)
    assert answer.status_code == 201, answer.text
    with psycopg.connect(module_database.pipeline, autocommit=True, options=OPTIONS) as conn:
        recompute.update(conn, UUID(opened["user"]["id"]), NOW)
    return member


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_the_front_page_shows_a_price_its_forecast_and_how_often_that_held(visitor) -> None:
    text = visitor.get("/").text
    assert "$91,234.56" in text
    assert "from binance" in words(text)
    assert 'class="band95"' in text
    assert re.search(r"The 80 % range held </dt>|The 80 % range held", text)
    assert "79 %" in text


def test_markets_show_what_is_known_and_a_dash_for_the_rest(member) -> None:
    text = member.get("/markets").text
    assert text.index(">BTC<") < text.index(">ETH<") < text.index(">SOL<")
    assert "$0.000009120" in text
    assert "$1.82T" in text
    assert text.count('class="spark ') == len(seeds.PRICES)
    row = text[text.index(">AAVE<") :].split("</tr>")[0]
    assert "$0" not in row
    assert figures.UNKNOWN in row


def test_a_search_gets_the_rows_alone(member) -> None:
    part = member.client.get("/markets?q=bitc", headers={**HTML, "HX-Request": "true"}).text
    assert part.lstrip().startswith('<section id="tokens"')
    assert ">BTC<" in part
    assert ">ETH<" not in part
    nothing = member.get("/markets").text
    assert "<html" in nothing
    found = member.client.get("/markets", query_string={"q": HOSTILE}, headers=HTML).text
    assert HOSTILE not in found
    assert "No token has" in found
    assert member.get("/markets?cursor=broken").status_code == 400


def test_a_token_page_says_where_everything_comes_from(member) -> None:
    text = words(member.get("/tokens/btc").text)
    for part in (
        "$91,234.56",
        "from binance",
        "this token's own model",
        "80 % range held, on unseen data 79 %",
        "price-btc 3",
        "No score yet",
        "You have none of it",
    ):
        assert part in text, part
    # Whether a model that was not validated was refused, and why, is said.
    assert "was refused at 1 d" in text
    assert member.get("/tokens/nope").status_code == 404


def test_a_token_without_forecast_or_price_says_so(member) -> None:
    text = words(member.get("/tokens/AAVE").text)
    assert "There is no forecast of this token" in text
    assert "No candle of this token has arrived yet" in text


def test_the_chart_of_another_timeframe_comes_alone(member) -> None:
    headers = {**HTML, "HX-Request": "true"}
    part = member.client.get("/tokens/BTC?timeframe=90d", headers=headers).text
    assert part.lstrip().startswith('<section id="chart"')
    times = re.search(r'data-times="([^"]*)"', part)[1].split()
    closes = re.search(r'data-close="([^"]*)"', part)[1].split()
    assert len(times) == len(closes) == 91
    assert closes[-1] == "91234.56"
    assert member.get("/tokens/BTC?timeframe=2y").status_code == 400


def test_names_from_providers_are_text(member, owner_db) -> None:
    owner_db.execute("update market.tokens set name = %s where symbol = 'SUI'", [HOSTILE])
    quote(owner_db, "SUI", "1.5", source=HOSTILE)
    for path in ("/markets", "/tokens/SUI"):
        text = member.get(path).text
        assert HOSTILE not in text
        assert "&lt;img src=x" in text


def test_the_dashboard_adds_up(investor) -> None:
    text = words(investor.get("/dashboard").text)
    # 0.5 BTC at 91,234.56 and 1,000,000 SHIB at 0.00000912.
    assert "$45,626.40" in text
    # They cost 25,000 and 10.
    assert "$20,616.40" in text
    assert "100.0 %" in text
    assert "0.0 %" in text
    assert "Three steps" not in text
    position = words(investor.get("/tokens/BTC").text)
    assert "0.5 BTC" in position
    assert "$45,617.28" in position


def test_the_dashboard_of_an_empty_account_says_the_next_step(member) -> None:
    text = words(member.get("/dashboard").text)
    assert "Three steps to your first value" in text
    assert "None so far" in text


def test_the_dashboard_is_ones_own(investor, app, redis_url) -> None:
    from tests.integration.webui.conftest import Visitor

    other = Visitor(app.test_client())
    other.register()
    assert "$45,626" not in other.get("/dashboard").text


def test_what_lives_on_the_dashboard_comes_alone(investor) -> None:
    part = investor.client.get("/dashboard", headers={**HTML, "HX-Request": "true"}).text
    assert part.lstrip().startswith('<section id="now"')
    assert "$45,626.40" in part


@pytest.mark.parametrize("hides", [True, False])
def test_a_shared_portfolio_shows_what_its_owner_wished(
    investor, app, redis_url, owner_db, hides
) -> None:
    from tests.integration.webui.conftest import Visitor

    client = app.test_client()
    credentials = {"email": investor.email, "password": PASSWORD}
    opened = client.post(f"{V1}/auth/login", json=credentials).json
    bearer = {"Authorization": f"Bearer {opened['accessToken']}"}
    (one,) = client.get(f"{V1}/portfolios", headers=bearer).json["portfolios"]
    client.put(f"{V1}/portfolios/{one['id']}", json={"name": HOSTILE}, headers=bearer)
    body = {"hidesAmounts": hides}
    share = client.post(f"{V1}/portfolios/{one['id']}/shares", json=body, headers=bearer).json[
        "share"
    ]
    path = share["url"].removeprefix("http://localhost:3001")
    stranger = Visitor(app.test_client())
    answer = stranger.get(path)
    assert answer.status_code == 200
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert HOSTILE not in answer.text
    assert "&lt;img src=x" in answer.text
    text = words(answer.text)
    assert "BTC" in text
    assert ("$45,6" in text) is not hides
    assert ("1,000,000" in text) is not hides
    assert ("amounts are hidden" in text) is hides
    assert stranger.get(path + "x").status_code == 404
    client.delete(f"{V1}/portfolios/{one['id']}/shares/{share['id']}", headers=bearer)
    assert stranger.get(path).status_code == 404


def test_candles_carry_volume_and_what_was_carried_on(member, owner_db) -> None:
    headers = {**HTML, "HX-Request": "true"}
    part = member.client.get("/tokens/BTC?timeframe=90d", headers=headers).text
    lines = {
        name: re.search(rf'data-{name}="([^"]*)"', part)[1].split()
        for name in ("times", "open", "high", "low", "close", "volume")
    }
    assert {len(each) for each in lines.values()} == {91}
    assert {float(each) for each in lines["volume"]} == {1000}
    for low, high, close in zip(lines["low"], lines["high"], lines["close"], strict=True):
        assert float(low) <= float(close) <= float(high)
    assert "1,000" in words(part)


def test_many_who_look_at_a_token_ask_the_model_server_once(member, model_server) -> None:
    def asked() -> int:
        return len([path for path, _ in model_server.asked if path.endswith("/BTC")])

    before = asked()
    for _ in range(4):
        assert member.get("/tokens/BTC").status_code == 200
    # Four horizons, once; on a slow machine what is kept may run out in between.
    assert asked() - before < 4 * 4


def test_what_is_watched_stands_apart(member, app, redis_url) -> None:
    from tests.integration.webui.conftest import Visitor

    assert "You watch no token yet" in member.get("/markets?watched=1").text
    answer = member.post("/tokens/eth/watch", {"watched": "true", "next": "/markets?watched=1"})
    assert answer.headers["Location"] == "/markets?watched=1"
    part = member.post("/tokens/SOL/watch", {"watched": "true"}, **{"HX-Request": "true"}).text
    assert part.lstrip().startswith("<form")
    assert 'aria-pressed="true"' in part
    own = member.get("/markets?watched=1").text
    assert ">ETH<" in own
    assert ">SOL<" in own
    assert ">BTC<" not in own
    searched = member.client.get("/markets?watched=1&q=sol", headers={**HTML, "HX-Request": "true"})
    assert ">SOL<" in searched.text
    assert ">ETH<" not in searched.text
    everything = member.get("/markets").text
    assert everything.count('aria-pressed="true"') == 2 + 2  # language and theme, and two stars
    assert 'aria-pressed="true"' in member.get("/tokens/SOL").text.split("<footer")[0]
    member.post("/tokens/SOL/watch", {"watched": "false"})
    assert ">SOL<" not in member.get("/markets?watched=1").text
    assert member.post("/tokens/nope/watch", {"watched": "true"}).status_code == 404
    elsewhere = {"watched": "true", "next": "//evil.example"}
    assert member.post("/tokens/SOL/watch", elsewhere).headers["Location"] == "/markets"
    stranger = Visitor(app.test_client())
    stranger.register()
    assert "You watch no token yet" in stranger.get("/markets?watched=1").text


def test_a_token_of_enormous_volume_has_a_page(member, owner_db) -> None:
    """Of tokens that cost next to nothing more are traded than 28 digits hold."""
    owner_db.execute(
        "update market.price_data set volume = 12345678901234567890.123456789012345678"
        " where token_id = (select id from market.tokens where symbol = 'SHIB')"
    )
    for frame in ("1y", "30d"):
        assert "12,345,678,901,234,567,890" in member.get(f"/tokens/SHIB?timeframe={frame}").text


def test_sums_and_clocks_are_as_somebody_reads_them(investor, owner_db) -> None:
    """NOW is in March: Berlin is an hour ahead of UTC, and not two."""
    refused = {"currency": "XYZ", "timeZone": "Mars/Phobos"}
    investor.get("/profile")
    answer = investor.post("/profile/preferences", refused)
    assert answer.status_code == 400
    assert "Is no time zone" in answer.text
    assert "Is no currency" in answer.text
    owner_db.execute(
        "insert into market.exchange_rates (currency, day, per_euro, source) values ('USD', %s, 1.25, 'ecb')"
        " on conflict do nothing",
        [NOW.date()],
    )
    chosen = {"currency": "EUR", "timeZone": "Europe/Berlin"}
    assert investor.post("/profile/preferences", chosen).status_code == 303
    profile = investor.get("/profile").text
    assert 'value="Europe/Berlin"' in profile
    assert re.search(r'value="EUR" selected', profile)
    # 45,626.40 dollars.
    assert "€36,501.12" in investor.get("/dashboard").text
    home = re.search(r'href="(/portfolios/[0-9a-f-]{36})"', investor.get("/portfolios").text)[1]
    listed = f"{home}/transactions"
    entry = re.search(r'href="(/transactions/[^"]+)"', investor.get(listed).text)[1]
    bought = NOW - timedelta(days=100)
    local = (bought + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    form = investor.get(entry).text
    assert f'value="{local}"' in form
    assert "When (Europe/Berlin)" in form
    told = {"type": "buy", "tokenSymbol": "BTC", "amount": "1", "timestamp": "2025-07-01T12:00"}
    assert investor.post(entry, told).status_code == 303
    assert 'value="2025-07-01T12:00:00"' in investor.get(entry).text
    assert "1 July 2025, 12:00 CEST" in investor.get(listed).text
    (stored,) = owner_db.execute(
        "select occurred_at from app.transactions where fact_id = %s and superseded_at is null",
        [entry.rpartition("/")[2]],
    ).fetchone()
    assert stored == datetime(2025, 7, 1, 10, tzinfo=UTC)
    investor.get("/profile")
    assert investor.post("/profile/preferences", {}).status_code == 303
    assert "1 July 2025, 10:00 UTC" in investor.get(listed).text
    assert "€" not in investor.get("/dashboard").text
