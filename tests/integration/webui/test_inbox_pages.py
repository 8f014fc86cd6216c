"""What asks for attention, how returns were computed, lots, many at once; and when an alert would have fired."""

import re

from tests.integration.webapi.books import day, make, trade
from tests.integration.webapi.conftest import prices as prices  # noqa: PLC0414 - a fixture
from tests.integration.webapi.conftest import work as work  # noqa: PLC0414 - a fixture
from tests.integration.webui.conftest import Visitor
from tests.integration.webui.test_portfolio_pages import HOSTILE
from tests.integration.webui.test_portfolio_pages import api as api  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_portfolio_pages import owned as owned  # noqa: PLC0414 - a fixture

ALERT = {
    "alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": "52000", "channels": "stream",
    "cooldownSeconds": "0",
}  # fmt: skip


def words(text: str) -> str:
    main = text.partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def test_a_transfer_gets_its_other_end(member, api, owned, prices, work) -> None:
    identity = {"id": owned.rpartition("/")[2]}
    trade(api, identity, "buy", "BTC", "2", "50000")
    trade(api, identity, "transfer_out", "BTC", "0.5", at=day(3), exchange=HOSTILE[:40])
    trade(api, identity, "transfer_in", "BTC", "0.499", at=day(20), exchange="ledger")
    trade(api, identity, "transfer_in", "BTC", "0.6", at=day(21))
    work(api)
    inbox = member.get(f"{owned}/issues").text
    assert "The other end of a transfer of 0.5 BTC" in inbox
    assert HOSTILE[:40] not in inbox
    part = inbox.partition("of a transfer of 0.5 BTC")[2].partition("</section>")[0]
    out, *ends = re.findall(r'name="ends" value="([^"]+)"', part)
    assert len(ends) == 1, "more cannot come in than went out"
    assert member.post(f"{owned}/transfers", {"ends": [ends[0], ends[0]]}).status_code == 400
    paired = member.post(f"{owned}/transfers", {"ends": [out, ends[0]]})
    assert paired.headers["Location"] == f"{owned}/issues"
    work(api)
    inbox = member.get(f"{owned}/issues").text
    assert "0.5 BTC" not in inbox
    assert "0.6 BTC" in inbox


def test_an_issue_is_settled_and_opened_again(member, api, owned, prices, work) -> None:
    trade(api, {"id": owned.rpartition("/")[2]}, "deposit", "BTC", "1")
    work(api)
    inbox = member.get(f"{owned}/issues").text
    assert "What 1 BTC received" in inbox
    settle = re.search(rf'action="({owned}/issues/[0-9a-f-]+)"', inbox)[1]
    told = {"state": "dismissed", "next": f"{owned}/issues", "note": HOSTILE}
    assert member.post(settle, told).headers["Location"] == f"{owned}/issues"
    assert member.post(settle, {"state": "wrong"}).status_code == 400
    assert "Nothing asks for you" in member.get(f"{owned}/issues").text
    dismissed = member.get(f"{owned}/issues?state=dismissed").text
    assert "What 1 BTC received" in dismissed
    assert "<script>alert" not in dismissed
    assert (
        member.post(settle, {"state": "open", "next": "//evil.example"}).headers["Location"]
        == owned
    )
    assert "What 1 BTC received" in member.get(f"{owned}/issues").text
    assert member.get(f"{owned}/issues?state=nonsense").status_code == 400


def test_returns_with_their_trail_and_a_benchmark(member, api, owned, prices, work) -> None:
    identity = {"id": owned.rpartition("/")[2]}
    trade(api, identity, "buy", "BTC", "2", "50000")
    trade(api, identity, "sell", "BTC", "1", "52000", at=day(21))
    work(api)
    trail = words(member.get(f"{owned}/trail?span=90").text)
    assert "Money in $100,000.00" in trail
    assert "Money out $52,000.00" in trail
    assert "Parts of the time-weighted return" in trail
    page = member.get(f"{owned}?span=30&benchmark=ETH").text
    assert re.search(
        r"ETH\s*<small>the same time in it</small></dt><dd><span class=\"change flat\">", page
    )
    unknown = member.get(f"{owned}?benchmark={'%3Cscript%3E'}")
    assert "no token has that symbol" in unknown.text
    assert "<script>" not in unknown.text.partition("<main")[2]
    assert "Nothing that is held is called so" in member.get(f"{owned}?q=zzz").text
    assert "<b>BTC</b>" in member.get(f"{owned}?q=bitc").text
    part = member.get(f"{owned}/outlook", **{"HX-Request": "true"})
    assert 'id="outlook"' in part.text
    assert "<html" not in part.text


def test_a_sale_tells_its_lots_and_a_correction_its_versions(
    member, api, owned, prices, work
) -> None:
    identity = {"id": owned.rpartition("/")[2]}
    trade(api, identity, "buy", "BTC", "1", "50000")
    sold = trade(api, identity, "sell", "BTC", "0.5", "52000", at=day(21))
    changed = api.ask("PUT", f"/transactions/{sold['id']}", json={"price": "53000"})
    assert changed.status_code == 200
    work(api)
    page = words(member.get(f"/transactions/{sold['id']}").text)
    assert "What it used" in page
    assert "0.5 BTC $25,000.00 $26,500.00 $1,500.00" in page
    assert "Versions before" in page
    assert "at $52,000.00" in page


def test_many_are_taken_back_at_once_or_none(member, api, owned, app) -> None:
    identity = {"id": owned.rpartition("/")[2]}
    ids = [trade(api, identity, "buy", "BTC", amount, "50000")["id"] for amount in ("1", "2", "3")]
    address = f"{owned}/transactions"
    member.get(address)
    unknown = "00000000-0000-4000-8000-000000000000"
    assert member.post(f"{address}/delete", {"chosen": [ids[0], unknown]}).status_code == 404
    elsewhere = trade(api, make(api, name="Other"), "buy", "BTC", "9", "50000")["id"]
    assert member.post(f"{address}/delete", {"chosen": [ids[0], elsewhere]}).status_code == 404
    assert "Buy 1 BTC" in member.get(address).text
    thief = Visitor(app.test_client())
    thief.register()
    thief.get("/profile")
    assert thief.post(f"{address}/delete", {"chosen": ids}).status_code == 404
    after = member.post(f"{address}/delete", {"chosen": ids[:2]}).headers["Location"]
    assert after == f"{address}?taken={ids[0]}&taken={ids[1]}", (
        "so that the page can offer to undo it"
    )
    left = member.get(after).text
    assert "2 transactions are taken back" in left
    assert "Buy 3 BTC" in left
    assert "Buy 1 BTC" not in left
    member.post(f"{address}/delete")
    assert "Nothing was chosen." in member.get(address).text


def test_what_is_set_aside_would_have_fired_nothing(member, owned, prices, owner_db) -> None:
    member.get("/alerts/new")
    of_the_day = "update market.price_data set quality = %s where close > 52000"
    assert owner_db.execute(of_the_day, ["suspect"]).rowcount >= 1
    try:
        said = member.post("/alerts/preview", ALERT, **{"HX-Request": "true"}).text
    finally:
        owner_db.execute(of_the_day, ["ok"])
    assert "It would not have fired" in said


def test_when_an_alert_would_have_fired(member, owned, prices) -> None:
    member.get("/alerts/new")
    said = member.post("/alerts/preview", ALERT, **{"HX-Request": "true"}).text
    assert "It would have fired 1 time in the last 90 days" in said
    assert "$52,100.00" in said
    never = member.post("/alerts/preview", {**ALERT, "threshold": "60000"}).text
    assert "It would not have fired" in never
    risen = member.post(
        "/alerts/preview", {**ALERT, "alertType": "percent_change", "threshold": "0.199"}
    ).text
    assert "It would not have fired" in risen, "it held from the start"
    for kind in ("volume", "prediction"):
        unknown = member.post(
            "/alerts/preview", {**ALERT, "alertType": kind, "threshold": "5"}
        ).text
        assert "is not kept as it was" in unknown
    own = {**ALERT, "alertType": "portfolio", "portfolioId": owned.rpartition("/")[2]}
    assert "nothing of that time is stored" in member.post("/alerts/preview", own).text
    wrong = member.post("/alerts/preview", {**ALERT, "tokenSymbol": HOSTILE[:30], "threshold": "1"})
    assert wrong.status_code == 200
    assert "no token that we know" in wrong.text
    assert "<script>" not in wrong.text
    assert "$100" not in member.get("/alerts").text, "nothing is set by looking"


def test_an_alert_ends_on_a_day_and_goes_on_without_it(member, prices) -> None:
    member.get("/alerts/new")
    late = member.post("/alerts/new", {**ALERT, "expiresAt": "2026-01-01"})
    assert late.status_code == 400
    assert "must lie in the future" in late.text.lower()
    assert 'value="2026-01-01"' in late.text
    assert member.post("/alerts/new", {**ALERT, "expiresAt": "never"}).status_code == 400
    assert member.post("/alerts/new", {**ALERT, "expiresAt": "2026-12-31"}).status_code == 303
    listed = member.get("/alerts").text
    assert "until 31 Dec 2026" in listed
    address = re.search(r'href="(/alerts/[0-9a-f-]{36})"', listed)[1]
    assert 'value="2026-12-31"' in member.get(address).text
    kept = {name: ALERT[name] for name in ("condition", "threshold", "channels", "cooldownSeconds")}
    assert member.post(address, kept).status_code == 303
    assert "until" not in member.get("/alerts").text.partition("<main")[2]
