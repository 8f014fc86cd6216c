"""The watchlist over the wire: one's own, each token once, with a bound."""

from tests.integration.webapi.conftest import assert_problem, new_person


def symbols(person) -> list[str]:
    return [each["symbol"] for each in person.get("/watchlist").json["tokens"]]


def test_tokens_are_watched_and_no_more(person, owner_db) -> None:
    owner_db.execute(
        "update market.tokens set is_active = true where symbol in ('BTC', 'ETH', 'SOL')"
    )
    assert symbols(person) == []
    for symbol in ("sol", "BTC", "btc", "ETH"):
        answer = person.ask("PUT", f"/watchlist/{symbol}")
        assert answer.json == {"message": f"{symbol.upper()} is watched"}
    assert sorted(symbols(person)) == ["BTC", "ETH", "SOL"]
    assert person.ask("DELETE", "/watchlist/eth").json == {"message": "ETH is watched no more"}
    assert person.ask("DELETE", "/watchlist/eth").status_code == 200
    assert sorted(symbols(person)) == ["BTC", "SOL"]
    for method in ("PUT", "DELETE"):
        assert_problem(person.ask(method, "/watchlist/NOPE"), 404)
    kept = person.get("/account/export").json["watchedTokens"]
    assert len(kept) == 2
    other = new_person(person.client)
    assert symbols(other) == []


def test_a_full_list_takes_no_more_and_keeps_what_it_has(person, owner_db) -> None:
    owner_db.execute(
        "insert into market.tokens (symbol, name, blockchain)"
        " select 'W' || n, 'w', 'w' from generate_series(1, 201) n"
    )
    owner_db.execute(
        "insert into app.watched_tokens (user_id, token_id, watched_at)"
        " select %s, id, now() from market.tokens where symbol ~ '^W[0-9]+$' and symbol <> 'W201'",
        [person.id],
    )
    assert_problem(person.ask("PUT", "/watchlist/W201"), 409)
    assert person.ask("PUT", "/watchlist/W1").status_code == 200
    person.ask("DELETE", "/watchlist/W1")
    assert person.ask("PUT", "/watchlist/W201").status_code == 200
    assert len(symbols(person)) == 200
