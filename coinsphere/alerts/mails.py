"""The mails about alerts that fired: each worded as its owner is given it, and put into the outbox."""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import Connection

from coinsphere.alerts import mail_templates
from coinsphere.alerts.firing import Firing
from coinsphere.alerts.mail_templates import Wording
from coinsphere.flags.catalogue import ALERT_MAIL_WORDING
from coinsphere.flags.client import Flags
from coinsphere.notify import mail


@dataclass(frozen=True, slots=True)
class AlertMails:
    """Writes mails.

    Attributes:
        flags: say how a mail is worded.
    """

    flags: Flags

    def write(self, conn: Connection, firings: Iterable[Firing]) -> None:
        """Write a mail for each firing whose alert is told by mail; addresses that nobody confirmed get none."""
        told = [each for each in firings if "email" in each.channels and each.email_verified]
        mail.enqueue_all(conn, [_mail(each, self._wording(conn, each)) for each in told])

    def _wording(self, conn: Connection, firing: Firing) -> Wording:
        given = self.flags.give(conn, ALERT_MAIL_WORDING, firing.user_id, firing.plan)
        return Wording(given.value)


def _mail(firing: Firing, wording: Wording) -> mail.NewMail:
    message = mail_templates.fired(firing, wording)
    return mail.NewMail(
        firing.email,
        message.subject,
        message.text,
        message.html,
        user_id=firing.user_id,
        alert_event_id=firing.event_id,
    )
