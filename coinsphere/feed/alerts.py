"""Alerts evaluated on each price of the feed, by the statement that each minute uses."""

from datetime import datetime, timedelta

from psycopg import Connection

from coinsphere import log
from coinsphere.alerts import evaluation
from coinsphere.alerts.mails import AlertMails
from coinsphere.flags.client import Flags
from coinsphere.settings import Settings

_log = log.get("feed")


class Alerts:
    """Evaluates all alerts at once.

    Args:
        settings: the age from which on a quote is stale, and where links in mails lead.
    """

    def __init__(self, settings: Settings) -> None:
        self._stale_after = timedelta(seconds=settings.market_stale_seconds)
        self._mails = AlertMails(Flags.of(settings), settings.pages_url)

    def evaluate(self, conn: Connection, now: datetime) -> None:
        """Evaluate them once; a firing, its mail and its job are one transaction, which the caller ends."""
        report = evaluation.evaluate(conn, now, self._stale_after, self._mails)
        if report.fired:
            _log.info("alerts fired", fired=report.fired, judged=report.judged)
