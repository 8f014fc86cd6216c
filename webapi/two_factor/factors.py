"""Checks second factors, and whether their owner may do what needs one; codes are taken in the caller's transaction."""

from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from flask import request
from psycopg import Connection

from coinsphere.audit.events import Event
from coinsphere.notify import account_mails
from coinsphere.security import envelope
from coinsphere.security.sealed_columns import totp_secret
from webapi import mails
from webapi.security import audit
from webapi.services import Services
from webapi.two_factor import codes, queries
from webapi.two_factor.queries import State


class Taken(Enum):
    """What a code turned out to be."""

    TIME_BASED = auto()
    RECOVERY = auto()


def take(work: Services, conn: Connection, user_id: UUID, code: str, now: datetime) -> Taken | None:
    """Use up a code of an account, time-based or for recovery; None if it is wrong or was used.

    Raises:
        SealBroken: the account's secret was altered in the database.
    """
    code = codes.tidied(code)
    if codes.is_time_based(code):
        return Taken.TIME_BASED if _take_time_based(work, conn, user_id, code) else None
    if queries.take_code(conn, user_id, codes.recovery_hash(code), now):
        return Taken.RECOVERY
    return None


def take_pending(work: Services, conn: Connection, user_id: UUID, code: str) -> bool:
    """Use up a code of the pending secret; False if it is wrong."""
    state = queries.state(conn, user_id)
    if state is None or state.is_enabled:
        return False
    return _take_step(work, conn, user_id, state, codes.tidied(code))


def tell_of_recovery(conn: Connection, user_id: UUID, email: str, now: datetime) -> None:
    """Tell the owner, and the audit log, that a recovery code was used."""
    state = queries.state(conn, user_id)
    left = 0 if state is None else state.codes_left
    message = account_mails.recovery_code_used(left, codes.FEW, request.remote_addr, now)
    mails.send(conn, email, message, user_id)
    audit.record(conn, Event.RECOVERY_CODE_USED, actor_id=user_id, details={"left": left})


def issue_codes(conn: Connection, user_id: UUID, now: datetime) -> list[str]:
    """New recovery codes, shown this once; the old ones are void."""
    recovery_codes = codes.new_recovery_codes()
    queries.replace_codes(
        conn, user_id, [codes.recovery_hash(code) for code in recovery_codes], now
    )
    return recovery_codes


def _take_time_based(work: Services, conn: Connection, user_id: UUID, code: str) -> bool:
    state = queries.state(conn, user_id)
    if state is None or not state.is_enabled:
        return False
    return _take_step(work, conn, user_id, state, code)


def _take_step(work: Services, conn: Connection, user_id: UUID, state: State, code: str) -> bool:
    if state.sealed_secret is None:
        return False
    place = totp_secret(user_id)
    secret = envelope.open_(work.encryption_keys, state.sealed_secret, place).decode()
    step = codes.matching_step(secret, code, work.clock(), work.settings.totp_drift_steps)
    return step is not None and queries.take_step(conn, user_id, state.sealed_secret, step)
