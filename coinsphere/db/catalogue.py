"""Reads the database's own catalogue: how candles are partitioned, and how large each table is."""

from dataclasses import dataclass
from typing import Literal

from psycopg import Connection
from psycopg.rows import class_row

# TimescaleDB's chunks are children of the hypertable, as partitions are of a partitioned table.
_STORAGE = """
    select
        case when c.relkind = 'p' then 'partitions' else 'hypertable' end as kind,
        (select count(*) from pg_inherits i where i.inhparent = c.oid) as parts
    from pg_class c
    where c.oid = to_regclass('market.price_data')
"""
_TABLES = """
    with members as (
        select oid as root, oid as member from pg_class
        union all
        select inhparent, inhrelid from pg_inherits
    )
    select
        c.relnamespace::regnamespace::text as schema, c.relname as name,
        sum(pg_total_relation_size(m.member))::bigint as bytes,
        -- The planner's estimate; -1 where nobody has counted yet.
        (sum(part.reltuples) filter (where part.relkind = 'r' and part.reltuples >= 0))::bigint as rows
    from pg_class c
    join members m on m.root = c.oid
    join pg_class part on part.oid = m.member
    where c.relkind in ('r', 'p')
        and c.relnamespace::regnamespace::text = any(%(schemas)s)
        and not exists (select from pg_inherits i where i.inhrelid = c.oid)
    group by c.oid, c.relnamespace, c.relname
    order by bytes desc, 1, 2
"""
SCHEMAS = ("app", "market", "model", "jobs", "staging", "intermediate", "marts", "snapshots")


@dataclass(frozen=True, slots=True)
class PriceStorage:
    """How `market.price_data` is kept, and in how many partitions or chunks."""

    kind: Literal["partitions", "hypertable"]
    parts: int


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table with its partitions and indexes; `rows` is an estimate, None where there is none yet."""

    schema: str
    name: str
    bytes: int
    rows: int | None


def price_storage(conn: Connection) -> PriceStorage | None:
    """How candles are kept, as the migration chose it; None where the table does not exist."""
    return conn.cursor(row_factory=class_row(PriceStorage)).execute(_STORAGE).fetchone()


def table_sizes(conn: Connection) -> list[TableSize]:
    """The tables of all our schemas, the largest first."""
    cursor = conn.cursor(row_factory=class_row(TableSize))
    return cursor.execute(_TABLES, {"schemas": list(SCHEMAS)}).fetchall()
