"""Mails about accounts: links that let somebody in, and notices of acts that only the owner should have done.

Each is written in the present language: `coinsphere.i18n.speaking` says which.
"""

from datetime import datetime

from coinsphere import i18n
from coinsphere.i18n import gettext
from coinsphere.notify import figures, templates
from coinsphere.notify.templates import Message


def verify_address(frontend_url: str, token: str, hours: int) -> Message:
    """The link by which a new account proves that the address is its own."""
    return templates.account_mail(
        gettext("Confirm your address"),
        gettext(
            "Somebody, probably you, uses this address for a Coinsphere account. Follow the link to confirm it."
        ),
        gettext("It is good for %(hours)s hours. If it was not you, there is nothing to do.")
        % {"hours": hours},
        link=templates.link(frontend_url, "verify-email", token),
    )


def answer_to_feedback(feedback: str, answer: str) -> Message:
    """A user's feedback and our answer to it; each line a paragraph."""
    quoted = (f"> {line}" for line in feedback.splitlines())
    return templates.account_mail(
        gettext("Your feedback to Coinsphere"),
        *answer.splitlines(),
        gettext("You had written:"),
        *quoted,
    )


def confirm_new_address(frontend_url: str, token: str, hours: int) -> Message:
    """To the new address: the link that makes it the account's."""
    return templates.account_mail(
        gettext("Confirm your new address"),
        gettext(
            "A Coinsphere account is to use this address from now on. Follow the link to confirm that it is yours."
        ),
        gettext(
            "It is good for %(hours)s hours; until then nothing changes. If it was not you, there is nothing to do."
        )
        % {"hours": hours},
        link=templates.link(frontend_url, "verify-email", token),
    )


def address_is_changing(new_address: str, ip_address: str | None, now: datetime) -> Message:
    """To the present address: somebody wants to replace it."""
    return _notice(
        ip_address,
        now,
        gettext("Your address is about to change"),
        gettext(
            "Your Coinsphere account is to use the address %(address)s, once that is confirmed."
        )
        % {"address": _masked(new_address)},
    )


def address_changed(new_address: str, now: datetime) -> Message:
    """To the former address: it is replaced."""
    return templates.account_mail(
        gettext("Your address was changed"),
        gettext(
            "Your Coinsphere account now uses the address %(address)s; this one is no longer in use."
        )
        % {"address": _masked(new_address)},
        gettext("If this was not you, answer this mail."),
        facts=_where(None, now),
    )


def address_taken() -> Message:
    """To the owner of an address that somebody tried to register, or to change to."""
    return templates.account_mail(
        gettext("Somebody tried to register with your address"),
        gettext(
            "Somebody, perhaps you, tried to open a Coinsphere account with this address, which has one already."
        ),
        gettext(
            "If it was you, log in, or choose a new password where you have forgotten yours. If it was not, there is "
            "nothing to do."
        ),
    )


def reset_password(frontend_url: str, token: str, minutes: int) -> Message:
    """The link by which a new password is chosen."""
    return templates.account_mail(
        gettext("Choose a new password"),
        gettext(
            "Somebody, probably you, has forgotten the password of your Coinsphere account. Follow the link to choose a "
            "new one."
        ),
        gettext(
            "It is good once, for %(minutes)s minutes; a newer link replaces it. If it was not you, there is nothing to do."
        )
        % {"minutes": minutes},
        link=templates.link(frontend_url, "reset-password", token),
    )


def password_changed(ip_address: str | None, now: datetime, *, by_reset: bool) -> Message:
    """The password was changed."""
    how = (
        gettext(
            "The password of your Coinsphere account was changed by a link that was sent to this address. All other "
            "sessions have ended."
        )
        if by_reset
        else gettext(
            "The password of your Coinsphere account was changed in your account. All other sessions have ended."
        )
    )
    return _notice(ip_address, now, gettext("Your password was changed"), how)


def second_factor_added(what: str, ip_address: str | None, now: datetime) -> Message:
    """A login needs a second factor from now on."""
    values = {"what": gettext(what)}
    return _notice(
        ip_address,
        now,
        gettext("%(what)s was added to your account") % values,
        gettext(
            "%(what)s was added to your Coinsphere account: a password alone no longer lets anybody in."
        )
        % values,
    )


def identity_linked(provider: str, ip_address: str | None, now: datetime) -> Message:
    """An account elsewhere lets its owner in from now on."""
    values = {"provider": provider}
    return _notice(
        ip_address,
        now,
        gettext("%(provider)s opens your account") % values,
        gettext(
            "An account at %(provider)s was linked with your Coinsphere account: who is logged in there gets in here, too."
        )
        % values,
    )


def identity_unlinked(provider: str, ip_address: str | None, now: datetime) -> Message:
    """An account elsewhere lets nobody in any more."""
    values = {"provider": provider}
    return _notice(
        ip_address,
        now,
        gettext("%(provider)s opens your account no more") % values,
        gettext("An account at %(provider)s is no longer linked with your Coinsphere account.")
        % values,
    )


def second_factor_removed(what: str, ip_address: str | None, now: datetime) -> Message:
    """A login needs no second factor from now on."""
    values = {"what": gettext(what)}
    return _notice(
        ip_address,
        now,
        gettext("%(what)s was removed from your account") % values,
        gettext("%(what)s was removed from your Coinsphere account.") % values,
    )


def recovery_codes_replaced(ip_address: str | None, now: datetime) -> Message:
    """There are new recovery codes."""
    return _notice(
        ip_address,
        now,
        gettext("You have new recovery codes"),
        gettext("New recovery codes were made for your Coinsphere account; the old ones are void."),
    )


def recovery_code_used(left: int, few: int, ip_address: str | None, now: datetime) -> Message:
    """A recovery code was used."""
    values = {"left": left}
    warning = (
        [gettext("Only %(left)s are left: make new ones soon.") % values] if left <= few else []
    )
    return _notice(
        ip_address,
        now,
        gettext("A recovery code was used"),
        gettext(
            "Somebody, probably you, used a recovery code of your Coinsphere account. %(left)s are left."
        )
        % values,
        *warning,
    )


def incomplete_login(ip_address: str, user_agent: str | None, started_at: datetime) -> Message:
    """Somebody entered the right password, but no second factor."""
    program = (gettext("With"), user_agent or gettext("not known"))
    return templates.account_mail(
        gettext("A login to your account was not completed"),
        gettext(
            "Somebody gave the right password of your Coinsphere account, but no valid code after it."
        ),
        gettext(
            "If this was not you, your password is known to somebody: choose a new one at once."
        ),
        facts=[*_where(ip_address, started_at), program],
    )


def session_copied(ip_address: str | None, now: datetime) -> Message:
    """A refresh token was used twice, so somebody may have copied it."""
    return templates.account_mail(
        gettext("A session of yours was ended"),
        gettext(
            "A token of one of your sessions was used a second time, as by somebody who has a copy of it. The session has "
            "ended; log in again."
        ),
        facts=_where(ip_address, now),
    )


def account_deleted(now: datetime) -> Message:
    """The account was deleted."""
    return templates.account_mail(
        gettext("Your account was deleted"),
        gettext("Your Coinsphere account and all that belonged to it were deleted, as you wished."),
        facts=_where(None, now),
    )


def payment_failed(address: str, ends_at: datetime) -> Message:
    """A payment of the plan failed; the link leads to where the card is changed."""
    return templates.account_mail(
        gettext("Your payment failed"),
        gettext(
            "The payment of your Coinsphere plan failed. It will be tried again; you keep the plan until then."
        ),
        gettext(
            "Look whether your card is still good. Without a payment the plan ends, and nothing that you stored is lost."
        ),
        link=address,
        facts=[(gettext("The plan is kept until"), figures.moment(ends_at, i18n.language()))],
    )


def payment_short(address: str, invoice: str) -> Message:
    """A payment came in part or too late, so that it bought nothing; the link leads to the plan."""
    return templates.account_mail(
        gettext("Your payment bought nothing yet"),
        gettext(
            "A payment for your Coinsphere plan came in part, or after its invoice had expired. The plan is not yours by it."
        ),
        gettext(
            "Nothing is lost: whoever runs this system can accept it or send it back. Answer this mail and name the invoice."
        ),
        link=address,
        facts=[(gettext("Invoice"), invoice)],
    )


def _notice(ip_address: str | None, now: datetime, headline: str, *paragraphs: str) -> Message:
    """The mail about an act that only the owner should have done, with when and from where it was done."""
    not_you = gettext(
        "If this was not you, choose a new password at once and end all other sessions."
    )
    facts = _where(ip_address, now)
    return templates.account_mail(headline, *paragraphs, not_you, facts=facts)


def _where(ip_address: str | None, now: datetime) -> list[tuple[str, str]]:
    when = [(gettext("When"), figures.moment(now, i18n.language()))]
    return when if ip_address is None else [*when, (gettext("From"), ip_address)]


def _masked(address: str) -> str:
    """Enough of an address for its owner: the account may be in wrong hands."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
