"""Login by an OpenID provider: the start, the proof, and the session or link that follows.

An account that has a password is opened by an identity at a provider only after its owner, logged in, has linked both: the
provider's word that an address is somebody's makes nobody the owner of an account that was there before. Who is new gets
an account, where the provider has confirmed the address.
"""

from datetime import timedelta
from typing import NoReturn
from uuid import UUID

from flask import request
from psycopg import Connection

from coinsphere import log
from coinsphere.accounts import opaque_tokens
from coinsphere.accounts.openid.id_tokens import Identity
from coinsphere.accounts.openid.provider import Login, Provider
from coinsphere.analytics import recording
from coinsphere.analytics.events import Registered
from coinsphere.audit.events import Event
from coinsphere.errors import ProviderError, TokenRefused
from coinsphere.notify import account_mails
from webapi import mails
from webapi.auth import logins, proofs, schemas
from webapi.auth import queries as accounts
from webapi.auth.logins import Grant, Opened, Proved
from webapi.http import errors
from webapi.openid import queries
from webapi.openid.queries import Begun
from webapi.security import audit
from webapi.services import Services

LIFE = timedelta(minutes=10)
_LONGEST_CODE = 4096

_log = log.get("openid")


def begin(
    work: Services,
    browser: str,
    *,
    redirect_uri: str,
    wanted: str = "/",
    user_id: UUID | None = None,
) -> str:
    """Begin a login. Returns the provider's address for the browser.

    Args:
        work: the services.
        browser: a secret that the browser, or the program, keeps until it comes back.
        redirect_uri: where it comes back to.
        wanted: our page that is shown then.
        user_id: who links an account; None for a login.

    Raises:
        errors.Problem: 404, there is no provider; 503, it is away.
    """
    provider, now = _provider(work), work.clock()
    state, salt = opaque_tokens.new(), opaque_tokens.salt()
    begun = Begun(salt, redirect_uri, wanted, user_id)
    try:
        address = provider.address(_login(begun, browser), state, now)
    except ProviderError as error:
        raise _away(error) from None
    with work.database.connection() as conn:
        queries.begin(conn, state, browser, begun, now + LIFE)
    return address


def take(work: Services, browser: str, state: str) -> Begun:
    """Use up the login that came back. Raises `errors.Problem`: 400, it is not of this browser, used or too old."""
    with work.database.connection() as conn:
        begun = queries.take(conn, state, browser, work.clock())
    if begun is None:
        raise _elsewhere()
    return begun


def _elsewhere() -> errors.Problem:
    return errors.Problem(
        400, "this login was begun elsewhere, or is over: start it again", code="openid-state"
    )


def identity(
    work: Services, begun: Begun, browser: str, code: str | None, issuer: str | None
) -> Identity:
    """The identity that logged in at the provider.

    Args:
        work: the services.
        begun: the login, see `take`.
        browser: the browser's secret.
        code: what the provider gave to the browser; None where it refused.
        issuer: whom the browser says that it comes from (RFC 9207), where it says so.

    Raises:
        errors.Problem: 401, what the provider answers is not good; 503, it is away.
    """
    provider = _provider(work)
    try:
        login = _login(begun, browser)
        return provider.identity(login, _code(code), work.clock(), called=issuer)
    except TokenRefused as error:
        _log.warning("openid_refused", reason=str(error))
        _refuse(work)
    except ProviderError as error:
        raise _away(error) from None


def _code(code: str | None) -> str:
    if code is None or len(code) > _LONGEST_CODE:
        raise TokenRefused("the provider gave no code")
    return code


def prove(work: Services, who: Identity) -> Proved:
    """The account of an identity, created where there is none; a second factor is still to be asked for.

    Raises:
        errors.Problem: 401, the account is disabled; 403, the provider has confirmed no address, or nobody may register
            so; 409, there is an account of that address that is not linked.
    """
    with work.database.connection() as conn:
        user_id = queries.user_of(conn, who.issuer, who.subject, work.clock())
    if user_id is None:
        user_id = _register(work, who)
    proved = logins.proved_before(work, user_id)
    if proved is None:
        _refuse(work, user_id)
    return proved


def log_in(work: Services, who: Identity, code: str | None, grant: Grant) -> Opened:
    """Open a session by an identity, with a second factor where the account has one.

    Raises:
        errors.Problem: see `prove`; 403 with `requires2FA: true` where a second factor is needed.
    """
    proved = prove(work, who)
    opened = (
        logins.with_second_factor(work, proved, code, None, grant)
        if proved.user.two_factor_enabled
        else logins.with_password(work, proved, grant)
    )
    work.sessions.bury(*opened.ended)
    return opened


def link(work: Services, who: Identity, begun: Begun, caller_id: UUID | None) -> None:
    """Link an identity to the caller's account; the provider must confirm the same address.

    Raises:
        errors.Problem: 400, somebody else began it; 409, the addresses differ, or it opens an account already.
    """
    now = work.clock()
    with work.database.connection() as conn:
        user = None if caller_id is None else accounts.by_id(conn, caller_id)
    if user is None or begun.user_id != user.id:
        raise _elsewhere()
    is_same = who.email is not None and schemas.canonical(who.email).lower() == user.email.lower()
    if not is_same or not user.email_verified:
        raise errors.Problem(
            409,
            "your account and the one at the provider must have the same confirmed address",
            code="openid-address",
        )
    with work.database.connection() as conn:
        identity_id = queries.link(conn, user.id, who.issuer, who.subject, now)
        if identity_id is None:
            raise errors.Problem(
                409, "this account at the provider opens an account already", code="openid-linked"
            )
        _tell(work, conn, user, Event.OPENID_LINKED, identity_id)


def unlink(work: Services, identity_id: UUID) -> None:
    """Unlink an identity from the caller's account. Raises `errors.Problem`: 404, there is none of that id."""
    user = proofs.caller(work)
    with work.database.connection() as conn:
        if not queries.unlink(conn, user.id, identity_id):
            raise errors.not_found("identity")
        _tell(work, conn, user, Event.OPENID_UNLINKED, identity_id)


def _tell(
    work: Services, conn: Connection, user: accounts.User, event: Event, identity_id: UUID
) -> None:
    words = (
        account_mails.identity_linked
        if event is Event.OPENID_LINKED
        else account_mails.identity_unlinked
    )
    message = words(work.settings.oidc_name, request.remote_addr, work.clock())
    mails.send(conn, user.email, message, user.id)
    audit.record(conn, event, actor_id=user.id, target=str(identity_id))


def _register(work: Services, who: Identity) -> UUID:
    """Create an account for a new user. Nobody knows its password: a mail lets its owner choose one."""
    email = _address(who)
    # Hashed before a connection is taken, as elsewhere; whether the address is free is found out by the insertion.
    unknown = work.passwords.hash(opaque_tokens.new())
    now = work.clock()
    with work.database.connection() as conn:
        may = work.settings.oidc_registers and not accounts.is_taken(conn, email)
        user = accounts.create(conn, email, unknown) if may else None
        if user is not None:
            queries.confirm_address(conn, user.id)
            queries.link(conn, user.id, who.issuer, who.subject, now)
            recording.record(conn, user.id, Registered(), now)
            audit.record(conn, Event.REGISTERED, actor_id=user.id)
            return user.id
        audit.record(conn, Event.REGISTRATION_REFUSED)
        is_taken = accounts.is_taken(conn, email)
    raise _refusal(is_taken=is_taken)


def _refusal(*, is_taken: bool) -> errors.Problem:
    if is_taken:
        return errors.Problem(
            409,
            "an account with this address already exists: log in with its password, and link the provider in your profile",
            code="openid-not-linked",
        )
    return errors.Problem(
        403, "nobody gets an account by the provider here", code="openid-no-registration"
    )


def _address(who: Identity) -> str:
    try:
        return schemas.email_address(who.email or "")
    except ValueError:
        raise errors.Problem(
            403, "the provider has confirmed no address of yours", code="openid-no-address"
        ) from None


def _login(begun: Begun, browser: str) -> Login:
    """Nonce and verifier from the secrets of the browser and of the row, neither of which suffices alone."""
    secrets_made = (
        opaque_tokens.derived(begun.salt, f"{part} {browser}") for part in ("nonce", "verifier")
    )
    return Login(begun.redirect_uri, *secrets_made)


def _provider(work: Services) -> Provider:
    if work.openid is None:
        raise errors.not_found("provider")
    return work.openid


def _refuse(work: Services, user_id: UUID | None = None) -> NoReturn:
    with work.database.connection() as conn:
        audit.record(conn, Event.LOGIN_REFUSED, target=None if user_id is None else str(user_id))
    raise errors.Problem(401, "the provider's answer does not let you in", code="openid-refused")


def _away(error: ProviderError) -> errors.Problem:
    _log.warning("openid_provider_away", reason=str(error))
    return errors.unavailable(
        "the provider is away: log in with your password, or try again soon", code="openid-away"
    )
