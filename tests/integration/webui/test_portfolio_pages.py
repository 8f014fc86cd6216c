"""Portfolios, their settings and links: what one sees, what forms refuse, what others cannot reach."""

import re

import pytest

from tests.integration.webapi.books import day, trade
from tests.integration.webapi.conftest import V1, Person
from tests.integration.webapi.conftest import prices as prices  # noqa: PLC0414 - a fixture
from tests.integration.webapi.conftest import work as work  # noqa: PLC0414 - a fixture
from tests.integration.webui.conftest import Visitor

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def api(member, app) -> Person:
    from tests.integration.webapi.conftest import PASSWORD

    credentials = {"email": member.email, "password": PASSWORD}
    body = app.test_client().post(f"{V1}/auth/login", json=credentials).json
    return Person(app.test_client(), body["user"]["id"], member.email, body["accessToken"], "")


@pytest.fixture
def owned(member) -> str:
    """The address of a portfolio that the member made by the page."""
    member.get("/portfolios")
    answer = member.post("/portfolios", {"name": "Long term", "currency": "USD"})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def rows(text: str) -> dict[str, list[str]]:
    """The cells of the table of holdings, by symbol."""
    found = {}
    text = text.partition('id="holdings"')[2]
    for row in re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", text, re.DOTALL):
        cells = [re.sub(r"\s*<[^>]+>\s*", " ", cell).strip() for cell in row.split("<td")]
        found[re.search(r"<b>(\w+)</b>", row)[1]] = [
            each.partition(">")[2].strip() for each in cells[1:]
        ]
    return found


def test_an_empty_list_leads_to_the_first_portfolio(member) -> None:
    page = member.get("/portfolios").text
    assert "Three steps to your first portfolio" in page
    refused = member.post("/portfolios", {"name": "", "currency": "USD"})
    assert refused.status_code == 400
    assert 'aria-invalid="true"' in refused.text
    wrong = member.post("/portfolios", {"name": "Mine", "currency": "QQQ"})
    assert "reference rate" in wrong.text
    assert 'value="Mine"' in wrong.text
    made = member.post("/portfolios", {"name": "Mine", "currency": "EUR"})
    assert "Nothing in it yet" in member.get(made.headers["Location"]).text
    assert "Mine" in member.get("/portfolios").text


def test_holdings_returns_and_reasons(member, api, owned, prices, work) -> None:
    identity = {"id": owned.rpartition("/")[2]}
    trade(api, identity, "buy", "BTC", "2", "50000")
    trade(api, identity, "sell", "BTC", "1", "53000", at=day(20))
    trade(api, identity, "buy", "ETH", "4", "2000", at=day(2))
    trade(api, identity, "deposit", "SOL", "3", at=day(3))
    work(api)
    page = member.get(f"{owned}?span=all")
    assert page.status_code == 200
    table = rows(page.text)
    # Quantity, cost, value, gain, realised, share: BTC is worth 60,000, ETH 4 times 2,500; SOL has no price.
    assert table["BTC"][0] == "1"
    assert table["BTC"][1].startswith("$50,000.00")
    assert table["BTC"][2].startswith("$60,000.00")
    assert "$10,000.00" in table["BTC"][3]
    assert table["BTC"][4].startswith("$3,000.00")
    assert table["BTC"][5].startswith("85.7")
    assert "no price" in table["SOL"][2]
    assert "cost not known" in table["SOL"][1]
    assert list(table) == ["BTC", "ETH", "SOL"]
    rising = rows(member.get(f"{owned}?sort=value&way=up").text)
    assert list(rising) == ["ETH", "BTC", "SOL"], "what is unknown stands last, whichever way"
    assert list(rows(member.get(f"{owned}?sort=token").text)) == ["BTC", "ETH", "SOL"]
    assert "a yearly rate needs a year at least" in page.text
    # Net contributions: 108,000 were put in, 53,000 taken out; what came of SOL has no price, so counts as nothing.
    assert re.search(r'data-second="[^"]*\b108000[^"]* 55000[.0]*"', page.text)


def test_what_has_no_price_is_no_zero_and_takes_no_other_portfolios_days_away(
    member, api, owned, prices, work
) -> None:
    other = member.post("/portfolios", {"name": "Rare", "currency": "USD", "lotMethod": "fifo"})
    rare = other.headers["Location"]
    trade(api, {"id": owned.rpartition("/")[2]}, "buy", "BTC", "2", "50000")
    trade(api, {"id": rare.rpartition("/")[2]}, "buy", "XRP", "10", "2", at=day(3))
    work(api)
    for page in (f"{rare}?span=all", f"{rare}/trail?span=all"):
        shown = member.get(page)
        assert shown.status_code == 200
        assert "nothing that was held in this period has a price" in shown.text
    assert re.search(r"\b107200\b", member.get("/dashboard").text), "2 BTC on 9 March"


def test_what_is_delisted_keeps_its_last_price_and_counts_in_no_sum(  # noqa: PLR0917 - fixtures
    member, api, owned, prices, work, owner_db
) -> None:
    portfolio = {"id": owned.rsplit("/", 1)[1]}
    trade(api, portfolio, "buy", "BTC", 1, 100)
    trade(api, portfolio, "buy", "ETH", 1, 100)
    work(api)
    total = api.get(f"/portfolios/{portfolio['id']}").json["portfolio"]["totalValue"]
    owner_db.execute("update market.tokens set is_active = false where symbol = 'ETH'")
    try:
        page = member.get(owned).text
        assert re.search(r"No longer traded: ETH; +shown at the last price", page)
        _, _, value, *_ = rows(page)["ETH"]
        assert "$2,500" in value
        assert "delisted, price" in value
        left = api.get(f"/portfolios/{portfolio['id']}").json["portfolio"]["totalValue"]
        assert total - left == 2500
        assert "nobody trades it any more" in member.get("/portfolios").text
        assert "nobody trades it any more" in member.get("/dashboard").text
    finally:
        owner_db.execute("update market.tokens set is_active = true where symbol = 'ETH'")


def test_issues_are_dismissed_where_they_stand(member, api, owned, prices, work) -> None:
    trade(api, {"id": owned.rpartition("/")[2]}, "sell", "BTC", "1", "53000")
    work(api)
    page = member.get(owned).text
    assert "1 BTC more left" in page
    assert "1 BTC more left" in member.get("/dashboard").text
    address = re.search(rf'action="({re.escape(owned)}/issues/[0-9a-f-]+)"', page)[1]
    assert member.post(address, {"state": "dismissed"}).headers["Location"] == owned
    assert "more left" not in member.get(owned).text
    assert "more left" not in member.get("/dashboard").text


def test_settings_are_kept_and_faults_stand_at_their_fields(member, owned) -> None:
    member.get(f"{owned}/settings")
    fields = {"currency": "EUR", "lotMethod": "hifo", "lotScope": "account"}
    refused = member.post(f"{owned}/settings", {"name": "x" * 101, **fields})
    assert refused.status_code == 400
    assert 'aria-invalid="true"' in refused.text
    member.post(f"{owned}/settings", {"name": HOSTILE, "description": HOSTILE, **fields})
    for path in ("/portfolios", owned, f"{owned}/settings"):
        page = member.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
    assert '<option value="hifo" selected>' in page
    assert member.post(f"{owned}/delete").headers["Location"] == "/portfolios"
    assert member.get(owned).status_code == 404


def test_what_belongs_to_others_does_not_exist(member, owned, app) -> None:
    stranger = Visitor(app.test_client())
    stranger.register()
    for path in (owned, f"{owned}/settings"):
        assert stranger.get(path).status_code == 404
    stranger.get("/profile")
    for path, fields in (
        ("/settings", {"name": "Mine now"}),
        ("/shares", {"hidesAmounts": "false", "days": "7"}),
        ("/delete", {}),
    ):
        assert stranger.post(owned + path, fields).status_code == 404
    assert "Long term" in member.get(owned).text


def test_a_link_shows_what_its_owner_wants_until_it_ends(member, api, owned, prices, work) -> None:
    trade(api, {"id": owned.rpartition("/")[2]}, "buy", "BTC", "2", "50000")
    work(api)
    stranger = Visitor(api.client.application.test_client())
    member.get(f"{owned}/settings")
    pages = {}
    for hides in ("true", "false"):
        made = member.post(f"{owned}/shares", {"hidesAmounts": hides, "days": "7"})
        link = re.search(r'href="http://localhost:3001(/shared/[\w-]+)"', made.text)[1]
        answer = stranger.get(link)
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Cache-Control"] == "no-store"
        assert link not in member.get(f"{owned}/settings").text, "a link is shown once"
        pages[hides] = answer.text
    assert "Long term" in pages["true"]
    assert "100.00 %" in pages["true"]
    assert "$" not in pages["true"]
    assert "$120,000.00" in pages["false"]
    for address in re.findall(
        rf'action="({owned}/shares/[0-9a-f-]+/end)"', member.get(f"{owned}/settings").text
    ):
        assert member.post(address).status_code == 303
    for path in (link, "/shared/none", f"/shared/{'x' * 200}"):
        assert stranger.get(path).status_code == 404
