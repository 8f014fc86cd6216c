"""The mail that tells somebody that a payment failed, and until when the plan is kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection

from coinsphere import i18n
from coinsphere.billing.entitlement import Subscription, gives_until
from coinsphere.notify import account_mails, mail

_WHO = "select email, locale from app.users where id = %(user_id)s and is_active"


def tell(
    conn: Connection,
    user_id: UUID,
    failed: Sequence[Subscription],
    pages_url: str,
    *,
    grace: timedelta,
    now: datetime,
) -> None:
    """Write one mail where a payment has just failed and the plan is still kept, in the transaction that notes it."""
    ends = [end for each in failed if (end := gives_until(each, grace)) and end > now]
    row = conn.execute(_WHO, {"user_id": user_id}).fetchone() if ends else None
    if row is None:
        return
    email, locale = row
    with i18n.speaking(locale):
        told = account_mails.payment_failed(f"{pages_url}/billing", max(ends))
    mail.enqueue(conn, email, told.subject, told.text, told.html, user_id=user_id)
