"""Writes the mails about alerts that fired into the outbox, each in the wording that its owner's variant has."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from coinsphere.alerts import mail_templates, verdicts
from coinsphere.alerts.firing import Firing
from coinsphere.alerts.mail_templates import Wording
from coinsphere.experiments import records
from coinsphere.flags.catalogue import ALERT_MAIL_WORDING
from coinsphere.flags.client import Flags
from coinsphere.notify import mail, templates


@dataclass(frozen=True, slots=True)
class AlertMails:
    """Writes mails about firings.

    Attributes:
        flags: say how a mail is worded.
        pages_url: base of the link by which a mail asks whether it was useful.
    """

    flags: Flags
    pages_url: str

    def write(self, conn: Connection, firings: Sequence[Firing], now: datetime) -> None:
        """Write a mail for each firing whose alert is told by mail; addresses that nobody confirmed get none."""
        mailed = [each for each in firings if "email" in each.channels and each.email_verified]
        wordings, tokens = self._wordings(conn, mailed, now), verdicts.ask(conn, mailed)
        mails = [
            _mail(
                each,
                wordings[each.user_id],
                templates.link(self.pages_url, "alerts/useful", tokens[each.event_id]),
            )
            for each in mailed
        ]
        mail.enqueue_all(conn, mails)

    def _wordings(
        self, conn: Connection, firings: Sequence[Firing], now: datetime
    ) -> dict[UUID, Wording]:
        """By owner; who takes part in the experiment is noted."""
        plans = {each.user_id: each.plan for each in firings}
        variants = self.flags.give_all(conn, ALERT_MAIL_WORDING, plans)
        times = Counter(each.user_id for each in firings)
        shown = records.expose(conn, ALERT_MAIL_WORDING, variants, times, now)
        return {user_id: Wording(variant) for user_id, variant in shown.items()}


def _mail(firing: Firing, wording: Wording, question: str) -> mail.NewMail:
    message = mail_templates.fired(firing, question, wording)
    return mail.NewMail(
        firing.email,
        message.subject,
        message.text,
        message.html,
        user_id=firing.user_id,
        alert_event_id=firing.event_id,
    )
