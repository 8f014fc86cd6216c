"""Nonces that only grow, across processes: an exchange refuses a smaller one, and may lock a key that repeats one.

Each is committed before it is used, so that a crash or a rollback never brings one back.
"""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager

from psycopg import Connection

Connect = Callable[[], AbstractContextManager[Connection]]

# The clock only sets where counting begins; a clock that goes back changes nothing.
_NEXT = """
    insert into app.exchange_nonces as known (key_hash, last) values (%(key_hash)s, %(floor)s)
    on conflict (key_hash) do update set last = greatest(known.last + 1, excluded.last)
    returning last
"""


def fingerprint(exchange: str, api_key: str) -> bytes:
    """A name for a key that does not reveal it."""
    return hashlib.sha256(f"{exchange}\0{api_key}".encode()).digest()


def counter(connect: Connect, key_hash: bytes, floor: Callable[[], int]) -> Callable[[], int]:
    """A function that gives the key's next nonce.

    Args:
        connect: gives a connection whose work is committed when it is left.
        key_hash: see `fingerprint`.
        floor: the least that the next one may be, by the clock.
    """

    def following() -> int:
        with connect() as conn:
            row = conn.execute(_NEXT, {"key_hash": key_hash, "floor": floor()}).fetchone()
        assert row is not None
        return int(row[0])

    return following
