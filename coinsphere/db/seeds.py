"""The tokens, their events and the protocols that every installation starts with. Idempotent; live values are never touched."""

import csv
from importlib import resources

from psycopg import Connection

# A seed is planted once: what an administrator deleted or gave another id since stays as it is. One whose contract is
# listed already is taken as planted.
_ADD_COIN = """
    with planted as (
        insert into market.planted_seeds (coingecko_id) values (%(coingecko_id)s)
        on conflict do nothing
        returning coingecko_id
    )
    insert into market.tokens (symbol, name, blockchain, coingecko_id, decimals, contract_address, peg_usd, is_active)
    select %(symbol)s, %(name)s, %(blockchain)s, coingecko_id, %(decimals)s, nullif(%(contract_address)s, ''),
        nullif(%(peg_usd)s, '')::numeric, %(is_active)s::boolean
    from planted
    on conflict do nothing
"""
# One of tokens that are listed later comes then; one that an administrator removed stays removed. The worker, in its round,
# brings holdings in line with it.
_ADD_EVENT = """
    insert into market.asset_events
        (kind, token_id, successor_id, old_units, new_units, happened_at, reason, recorded_by)
    select %(kind)s, t.id, s.id, %(old_units)s, %(new_units)s, %(happened_at)s, %(reason)s, 'seed'
    from market.tokens t
    join market.tokens s on s.coingecko_id = %(successor)s
    where t.coingecko_id = %(token)s
        and not exists (select from market.asset_events e where e.token_id = t.id and e.kind = %(kind)s)
    on conflict do nothing
"""
_ADD_PROTOCOL = """
    insert into app.defi_protocols (slug, name, category, blockchain, website)
    values (%(slug)s, %(name)s, %(category)s, %(blockchain)s, %(website)s)
    on conflict (slug) do nothing
"""


def apply(conn: Connection) -> int:
    """Insert what is missing; returns the number of rows inserted."""
    inserted = 0
    for statement, file in (
        (_ADD_COIN, "tokens.csv"),
        (_ADD_EVENT, "asset_events.csv"),
        (_ADD_PROTOCOL, "defi_protocols.csv"),
    ):
        for row in _rows(file):
            inserted += conn.execute(statement, row).rowcount
    return inserted


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files("coinsphere.db") / "seed_data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
