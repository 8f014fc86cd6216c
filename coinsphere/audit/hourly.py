"""The hourly check of the audit log: verifies new entries, at night all of them, and anchors a good end."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg

from coinsphere import log
from coinsphere.audit import anchoring, verification
from coinsphere.audit.anchoring import Anchor
from coinsphere.audit.verification import Verdict
from coinsphere.security.symmetric_keys import SymmetricKeys
from coinsphere.settings import Role, Settings

_OPTIONS = "-c timezone=UTC -c role=coinsphere_auditor"
"""The worker itself may not read the log; it takes on the role that may do that alone."""

NIGHT_HOUR = 3
"""The hour of the day, UTC, in which the whole chain is read."""

_HOURLY = timedelta(minutes=90)

_log = log.get("audit")


def check_and_anchor(settings: Settings, now: datetime) -> Verdict:
    """Verify the chain, keep the verdict and anchor a good end; a broken one is logged as an error.

    A break that was found, by whomever, is found again each hour until it is mended.
    """
    keys, path = SymmetricKeys(settings.audit_keys), settings.audit_anchors
    anchors = anchoring.read_anchors(path)
    with psycopg.connect(
        settings.url_for(Role.WORKER), connect_timeout=5, options=_OPTIONS
    ) as conn:
        is_broken = verification.last_problem(conn) is not None
        after = None if is_broken or _reads_all(anchors, now) else anchors[-1]
        verdict = verification.verify(conn, keys, anchors, after=after)
        verification.keep(conn, verdict, now)
        if verdict.problem is None:
            anchoring.anchor(conn, keys, path, now)
        else:
            _log.error("the audit log was changed", problem=verdict.problem)
    return verdict


def _reads_all(anchors: Sequence[Anchor], now: datetime) -> bool:
    """At night, and where the last hour left no anchor."""
    return not anchors or now.hour == NIGHT_HOUR or now - anchors[-1].anchored_at > _HOURLY
