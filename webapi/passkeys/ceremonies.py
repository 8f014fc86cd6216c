"""WebAuthn's ceremonies: the options for an authenticator, and the verification of its answer by py_webauthn.

A passkey answers for one site: the host of `COINSPHERE_FRONTEND_URL`, from pages of that origin or of an allowed one.
As a login of its own it must have verified its user (by finger, face or PIN), so it is two factors; after a password
its presence suffices.
"""

import json
import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import webauthn
from psycopg import Connection
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRequestOptions,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from coinsphere.settings import Settings
from webapi.auth.queries import User
from webapi.passkeys import queries
from webapi.passkeys.queries import NewPasskey, Passkey, Purpose
from webapi.passkeys.schemas import AssertionIn, RegistrationIn
from webapi.services import Services

NAME = "Coinsphere"
LIFE = timedelta(minutes=5)
_CHALLENGE_BYTES = 32
# What py_webauthn raises for an answer that is wrong, or that it cannot read.
_UNREADABLE = (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError)


class PasskeyRefused(Exception):
    """An authenticator's answer is not valid; the caller is not told why."""


def site(settings: Settings) -> str:
    """The host that passkeys belong to."""
    return urlsplit(settings.pages_url).hostname or "localhost"


def origins(settings: Settings) -> list[str]:
    """The pages that passkeys may be used from."""
    parts = urlsplit(settings.pages_url)
    return [f"{parts.scheme}://{parts.netloc}", *settings.cors_origins]


def registration(work: Services, conn: Connection, user: User, now: datetime) -> dict[str, Any]:
    """The options for `navigator.credentials.create()`."""
    options = webauthn.generate_registration_options(
        rp_id=site(work.settings),
        rp_name=NAME,
        user_id=user.id.bytes,
        user_name=user.email,
        challenge=secrets.token_bytes(_CHALLENGE_BYTES),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(queries.all_of(conn, user.id)),
    )
    return _asked(conn, user.id, "register", options, now)


def finish_registration(
    work: Services, conn: Connection, user_id: UUID, answer: RegistrationIn, now: datetime
) -> NewPasskey:
    """The new passkey of an authenticator's answer.

    Raises:
        PasskeyRefused: the answer is not good, or comes too late.
    """
    challenge = queries.take_challenge(conn, answer.challenge_id, user_id, "register", now)
    if challenge is None:
        raise PasskeyRefused
    try:
        verified = webauthn.verify_registration_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=site(work.settings),
            expected_origin=origins(work.settings),
        )
        transports = _transports(answer)
    except _UNREADABLE as error:
        raise PasskeyRefused from error
    return NewPasskey(
        name=answer.name,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        transports=transports,
        is_backed_up=verified.credential_backed_up,
    )


def _transports(answer: RegistrationIn) -> list[str]:
    names = answer.credential.get("response", {}).get("transports", [])
    return [AuthenticatorTransport(name).value for name in names]


def login(work: Services, conn: Connection, now: datetime) -> dict[str, Any]:
    """The options for `navigator.credentials.get()` of an unknown user: the passkey says who it is."""
    options = webauthn.generate_authentication_options(
        rp_id=site(work.settings),
        challenge=secrets.token_bytes(_CHALLENGE_BYTES),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _asked(conn, None, "login", options, now)


def second_factor(
    work: Services, conn: Connection, user_id: UUID, now: datetime
) -> dict[str, Any] | None:
    """The options for a passkey of that account after its password; None if it has none."""
    known = queries.all_of(conn, user_id)
    if not known:
        return None
    options = webauthn.generate_authentication_options(
        rp_id=site(work.settings),
        challenge=secrets.token_bytes(_CHALLENGE_BYTES),
        allow_credentials=_descriptors(known),
    )
    return _asked(conn, user_id, "second_factor", options, now)


def finish_login(work: Services, conn: Connection, answer: AssertionIn, now: datetime) -> UUID:
    """The account whose passkey answered.

    Raises:
        PasskeyRefused: the answer is not good, or comes too late.
    """
    challenge = queries.take_challenge(conn, answer.challenge_id, None, "login", now)
    return _accept(work, conn, answer, challenge, now, is_alone=True).user_id


def take_second_factor(
    work: Services, conn: Connection, user_id: UUID, answer: AssertionIn, now: datetime
) -> bool:
    """Whether a passkey of that account answered its challenge."""
    challenge = queries.take_challenge(conn, answer.challenge_id, user_id, "second_factor", now)
    try:
        passkey = _accept(work, conn, answer, challenge, now, is_alone=False)
    except PasskeyRefused:
        return False
    return passkey.user_id == user_id


def _accept(
    work: Services,
    conn: Connection,
    answer: AssertionIn,
    challenge: bytes | None,
    now: datetime,
    *,
    is_alone: bool,
) -> Passkey:
    """The passkey that signed `challenge`, with its count of signatures updated."""
    passkey = _named(conn, answer)
    if challenge is None or passkey is None:
        raise PasskeyRefused
    try:
        verified = webauthn.verify_authentication_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=site(work.settings),
            expected_origin=origins(work.settings),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=is_alone,
        )
    except _UNREADABLE as error:
        raise PasskeyRefused from error
    count, backed_up = verified.new_sign_count, verified.credential_backed_up
    if not queries.used(conn, passkey, count, now, is_backed_up=backed_up):
        raise PasskeyRefused
    return passkey


def _named(conn: Connection, answer: AssertionIn) -> Passkey | None:
    try:
        return queries.by_credential(conn, base64url_to_bytes(answer.credential["id"]))
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _asked(
    conn: Connection,
    user_id: UUID | None,
    purpose: Purpose,
    options: PublicKeyCredentialCreationOptions | PublicKeyCredentialRequestOptions,
    now: datetime,
) -> dict[str, Any]:
    challenge_id = queries.new_challenge(conn, user_id, purpose, options.challenge, now + LIFE)
    asked = json.loads(webauthn.options_to_json(options))
    return {"challengeId": str(challenge_id), "options": asked}


def _descriptors(known: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=each.credential_id,
            transports=[AuthenticatorTransport(name) for name in each.transports],
        )
        for each in known
    ]
