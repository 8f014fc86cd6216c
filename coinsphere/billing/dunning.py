"""Mails about payments that failed, or that bought nothing."""

from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection

from coinsphere import i18n
from coinsphere.billing.entitlement import gives_until
from coinsphere.billing.reconciliation import Trouble
from coinsphere.notify import account_mails, mail

_WHO = "select email, locale from app.users where id = %(user_id)s and is_active"


def tell(
    conn: Connection,
    user_id: UUID,
    trouble: Trouble,
    pages_url: str,
    *,
    grace: timedelta,
    now: datetime,
) -> None:
    """Write the mails about new trouble, in the transaction that stores it.

    One mail for a payment that failed while the plan is still kept, and one for each that was too small or too late.
    """
    ends = [end for each in trouble.failed if (end := gives_until(each, grace)) and end > now]
    row = conn.execute(_WHO, {"user_id": user_id}).fetchone() if ends or trouble.short else None
    if row is None:
        return
    email, locale = row
    page = f"{pages_url}/billing"
    with i18n.speaking(locale):
        mails = [account_mails.payment_failed(page, max(ends))] if ends else []
        mails += [account_mails.payment_short(page, each.reference) for each in trouble.short]
    for message in mails:
        mail.enqueue(conn, email, message.subject, message.text, message.html, user_id=user_id)
