"""What is told of a statement: what it does and to what, and nothing that stands in it."""

import pytest

from coinsphere.observability.traced_drivers import described


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("select id from app.users where email = 'a'", "SELECT app.users"),
        ("\n  -- who's there?\n insert into app.tokens (a) values (1)", "INSERT app.tokens"),
        ('insert into "app"."lots" ("id") select * from unnest(%s)', "INSERT app.lots"),
        ("select * from unnest(%(ids)s) as wanted", "SELECT"),
        ("update only app.users set name = 'from x'", "UPDATE app.users"),
        ("copy app.rows (a) from stdin", "COPY stdin"),
        ("", "SQL"),
    ],
)
def test_a_statement_is_named_by_what_it_does_and_to_what(statement, name):
    assert described(statement)[0] == name


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("select 'secret''s', x", "select ?, x"),
        (r"select E'sec\\ret''s' || 'secret'", "select E? || ?"),
        ("select 1.5, -17, 1e9, a1, $1, t.c2", "select ?, -?, ?, a1, $1, t.c2"),
        ("select $a$ secret 'secret $a$, $$secret$$", "select ?, ?"),
        ("select 1 -- it's secret\n, 'secret'", "select ? , ?"),
        ("select/* it's secret */'secret'", "select ?"),
        ("select 'never closed secret", "select ?"),
        ("select 1 /* never closed secret", "select ?"),
        ("select \"it's\", 'secret'", 'select "it\'s", ?'),
        ("where a = %(a)s", "where a = %(a)s"),
    ],
)
def test_no_value_and_no_comment_of_a_statement_is_told(statement, text):
    assert described(statement)[1] == text


def test_a_long_statement_is_cut():
    assert len(described("select " + "a, " * 10_000)[1]) == 2_000
