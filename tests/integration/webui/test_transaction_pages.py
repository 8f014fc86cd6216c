"""Transactions by forms: added, refused where it stands, corrected without losing a digit, taken back."""

import re

import pytest

from tests.integration.webapi.books import trade
from tests.integration.webui.conftest import Visitor
from tests.integration.webui.test_portfolio_pages import HOSTILE
from tests.integration.webui.test_portfolio_pages import api as api  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_portfolio_pages import owned as owned  # noqa: PLC0414 - a fixture

BUY = {
    "type": "buy", "tokenSymbol": "btc", "amount": "0.123456789012345678", "price": "61000.5", "currency": "USD",
    "fee": "1.5", "timestamp": "2026-03-01T10:20",
}  # fmt: skip


def entries(text: str) -> list[str]:
    return re.findall(r'href="(/transactions/[0-9a-f-]+)"', text)


@pytest.fixture
def recorded(member, owned) -> str:
    member.get(f"{owned}/transactions/new")
    answer = member.post(f"{owned}/transactions/new", BUY)
    assert answer.headers["Location"] == owned, answer.text
    return entries(member.get(f"{owned}/transactions").text)[0]


def test_a_form_refuses_where_it_stands_and_keeps_what_was_typed(member, owned) -> None:
    member.get(f"{owned}/transactions/new")
    for field, value in (
        ("tokenSymbol", "NOPE"), ("amount", "-1"), ("amount", "a lot"), ("amount", "1e400"), ("price", "-0.1"),
        ("timestamp", "2999-01-01T00:00"), ("timestamp", "yesterday"), ("notes", "x" * 2001), ("feeToken", "EUR"),
        ("counterTokenSymbol", "NOPE"), ("type", "theft"),
    ):  # fmt: skip
        answer = member.post(f"{owned}/transactions/new", {**BUY, field: value})
        assert answer.status_code == 400, (field, value)
        wrong = re.search(rf'<(?:input|select|textarea) id="f-{field}"[^>]*>', answer.text)[0]
        assert ' aria-invalid="true"' in wrong, (field, value)
        assert 'value="61000.5"' in answer.text or field == "price"
        assert f'value="{value}"' in wrong or field in ("type", "notes"), "what was typed is lost"
    assert entries(member.get(f"{owned}/transactions").text) == []


def test_a_correction_loses_no_digit_and_empties_what_is_emptied(member, owned, recorded) -> None:
    page = member.get(recorded).text
    assert 'value="0.123456789012345678"' in page
    assert 'value="2026-03-01T10:20:00"' in page
    shown = {**BUY, "timestamp": "2026-03-01T10:20:00", "fee": "", "notes": HOSTILE}
    assert member.post(recorded, shown).headers["Location"] == f"{owned}/transactions"
    page = member.get(recorded).text
    assert 'value="0.123456789012345678"' in page
    assert 'value="1.5"' not in page
    assert "<script>alert" not in page
    assert "Version 2" in page
    refused = member.post(recorded, {**shown, "amount": "0"})
    assert refused.status_code == 400
    assert 'value="0"' in refused.text
    after = member.post(f"{recorded}/delete").headers["Location"]
    assert member.get(recorded).status_code == 404
    told = member.get(after).text
    assert "No transaction yet" in told
    assert "1 transaction is taken back" in told
    taken = recorded.rpartition("/")[2]
    assert member.post(f"{owned}/transactions/restore", {"taken": taken}).status_code == 303
    assert 'value="0.123456789012345678"' in member.get(recorded).text
    assert "Version 3" in member.get(recorded).text
    assert "is taken back" not in member.get(after).text, "a link that tells what is not so"


def test_what_was_chosen_and_deleted_comes_back(member, owned, api) -> None:
    home = {"id": owned.rpartition("/")[2]}
    made = [trade(api, home, "buy", "BTC", str(n), "60000")["id"] for n in (1, 2, 3)]
    member.get(f"{owned}/transactions")
    answer = member.post(f"{owned}/transactions/delete", {"chosen": made[:2]})
    told = member.get(answer.headers["Location"]).text
    assert "2 transactions are taken back" in told
    assert len(entries(told)) == 1
    restore = f"{owned}/transactions/restore"
    assert member.post(restore, {"taken": made}).status_code == 303
    assert len(entries(member.get(f"{owned}/transactions").text)) == 3
    (held,) = api.get(f"/portfolios/{home['id']}/holdings").json["holdings"]
    assert held["amount"] == 6
    assert member.post(restore, {"taken": ["nothing"]}).status_code == 404
    assert api.post(f"/transactions/{made[0]}/restore").json["transaction"]["id"] == made[0]
    history = api.get(f"/transactions/{made[0]}/history").json["versions"]
    assert [each["version"] for each in history] == [2, 1]


def test_an_instant_that_stays_loses_no_part_of_a_second(member, owned, api) -> None:
    at = "2026-03-01T10:20:00.123456Z"
    made = trade(api, {"id": owned.rpartition("/")[2]}, "buy", "BTC", "1", "60000", at=at)
    member.get(f"/transactions/{made['id']}")
    shown = {**BUY, "timestamp": "2026-03-01T10:20:00"}
    assert member.post(f"/transactions/{made['id']}", shown).status_code == 303
    assert api.get(f"/transactions/{made['id']}").json["transaction"]["timestamp"] == at


def test_a_long_list_has_pages_and_a_sieve(member, owned) -> None:
    member.get(f"{owned}/transactions/new")
    for number in range(52):
        fields = {
            **BUY,
            "amount": str(number + 1),
            "timestamp": f"2026-03-01T10:{number:02}",
            "again": "1",
        }
        assert member.post(f"{owned}/transactions/new", fields).status_code == 303
    first = member.get(f"{owned}/transactions").text
    following = re.search(rf'href="({owned}/transactions\?[^"]*cursor=[^"]+)"', first)[1]
    second = member.get(following.replace("&amp;", "&")).text
    seen = entries(first) + entries(second)
    assert len(entries(first)) == 50
    assert len(set(seen)) == 52
    assert "There is no such transaction" in member.get(f"{owned}/transactions?type=sell").text
    assert "There is no such transaction" in member.get(f"{owned}/transactions?token=NOPE").text
    assert len(entries(member.get(f"{owned}/transactions?token=btc&type=buy").text)) == 50
    assert member.get(f"{owned}/transactions?cursor=x").status_code == 400


def test_transactions_of_others_do_not_exist(recorded, app) -> None:
    stranger = Visitor(app.test_client())
    stranger.register()
    assert stranger.get(recorded).status_code == 404
    stranger.get("/profile")
    assert stranger.post(recorded, BUY).status_code == 404
    assert stranger.post(f"{recorded}/delete").status_code == 404
    taken = {"taken": recorded.rpartition("/")[2]}
    stranger.post("/portfolios/00000000-0000-0000-0000-000000000000/transactions/restore", taken)
    assert stranger.get(recorded).status_code == 404
