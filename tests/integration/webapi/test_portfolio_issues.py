"""What the ledger says against what an account or a wallet holds: an issue from the survey to its end."""

import pytest

from tests.integration.webapi.books import day, make, trade
from tests.integration.webapi.conftest import assert_problem, exact


@pytest.fixture
def told(person, prices, work, owner_db):
    """A portfolio of one bitcoin whose wallet is looked at: says what it holds, and has the worker look."""
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 50_000, day(1))

    def look(amount: str) -> dict:
        owner_db.execute(
            """
            insert into app.holdings (portfolio_id, token_id, amount, source)
            select %s, id, %s, 'wallet' from market.tokens where symbol = 'BTC'
            on conflict (portfolio_id, token_id, source) do update set amount = excluded.amount
            """,
            [made["id"], amount],
        )
        owner_db.execute(
            "insert into app.valuation_marks (user_id, portfolio_id, from_day) values (%s, %s, '2026-03-09')",
            [person.id, made["id"]],
        )
        work(person)
        return made

    return look


def issues(person, portfolio, state: str = "open") -> list[dict]:
    found = exact(person.get(f"/portfolios/{portfolio['id']}/issues?state={state}"))
    return [each for each in found["issues"] if each["kind"] == "balance_difference"]


def settle(person, portfolio, issue, state: str) -> dict:
    path = f"/portfolios/{portfolio['id']}/issues/{issue['id']}/resolve"
    answer = person.post(path, {"state": state, "note": "I know"})
    assert answer.status_code == 200, answer.text
    return exact(answer)["issue"]


def test_a_difference_is_an_issue_until_it_is_gone_and_again_when_it_is_back(person, told) -> None:
    made = told("0.75")
    (issue,) = issues(person, made)
    assert issue["message"] == "The account and the ledger differ by 0.25 BTC."
    assert issue["advice"] == "Import what is missing, or correct the transaction that is wrong."
    told("1")
    assert issues(person, made) == []
    (settled,) = issues(person, made, "resolved")
    assert settled["id"] == issue["id"]
    assert settled["settledAt"] is not None
    told("0.999999999999999999")
    (back,) = issues(person, made)
    assert back["id"] == issue["id"]
    assert back["settledAt"] is None
    assert "by 0.000000000000000001 BTC" in back["message"]


def test_one_that_was_resolved_by_hand_opens_again_while_it_differs(person, told) -> None:
    made = told("0.75")
    (issue,) = issues(person, made)
    assert settle(person, made, issue, "resolved")["state"] == "resolved"
    assert issues(person, made) == []
    told("0.5")
    (again,) = issues(person, made)
    assert (again["id"], again["note"]) == (issue["id"], "I know")
    assert "by 0.5 BTC" in again["message"]


def test_one_that_was_dismissed_stays_so_and_follows_the_amount(person, told) -> None:
    made = told("0.75")
    (issue,) = issues(person, made)
    settle(person, made, issue, "dismissed")
    told("0.5")
    assert issues(person, made) == []
    (kept,) = issues(person, made, "dismissed")
    assert "by 0.5 BTC" in kept["message"]
    assert settle(person, made, issue, "open")["settledAt"] is None
    assert len(issues(person, made)) == 1


def test_nobody_settles_the_issue_of_somebody_else(person, other, told) -> None:
    made = told("0.75")
    (issue,) = issues(person, made)
    theirs = make(other)
    for portfolio in (made, theirs):
        path = f"/portfolios/{portfolio['id']}/issues/{issue['id']}/resolve"
        assert_problem(other.post(path, {"state": "dismissed"}), 404)
    assert len(issues(person, made)) == 1
