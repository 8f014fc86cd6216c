"""The rules of flags, as they are stored. A flag without a row has none."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from coinsphere.flags.catalogue import CATALOGUE, Flag
from coinsphere.flags.rules import BadRules, Rule, parse

_ALL = "select flag, version, rules, changed_by, changed_at from app.flags"
_SET = """
    insert into app.flags (flag, version, rules, changed_by, changed_at)
    values (%(flag)s, 1, %(rules)s, %(changed_by)s, %(now)s)
    on conflict (flag) do update set
        version = flags.version + 1, rules = excluded.rules, changed_by = excluded.changed_by,
        changed_at = excluded.changed_at
    returning flag, version, rules, changed_by, changed_at
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored rules of a flag as JSON, valid or not.

    `version` counts changes: an experiment begins anew with each.
    """

    flag: str
    version: int
    rules: Any
    changed_by: UUID | None
    changed_at: datetime

    def parsed(self) -> tuple[Rule, ...] | BadRules:
        """The parsed rules, or why they are invalid."""
        try:
            return parse(CATALOGUE[self.flag], self.rules)
        except BadRules as error:
            return error


def stored(conn: Connection) -> dict[str, Stored]:
    """The stored rules by flag, of every flag in the catalogue that has any."""
    rows = conn.cursor(row_factory=class_row(Stored)).execute(_ALL).fetchall()
    return {row.flag: row for row in rows if row.flag in CATALOGUE}


def store(
    conn: Connection, flag: Flag, rules: tuple[Rule, ...], user_id: UUID, now: datetime
) -> Stored:
    """Replace the rules of a flag; they must have been checked."""
    values = {
        "flag": flag.key,
        "rules": Jsonb(msgspec.to_builtins(rules)),
        "changed_by": user_id,
        "now": now,
    }
    (row,) = conn.cursor(row_factory=class_row(Stored)).execute(_SET, values).fetchall()
    return row
