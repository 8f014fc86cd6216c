"""One's account: names, address, password, sessions."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from webapi.account import preferences, schemas, use_cases
from webapi.account.preferences import Preferences
from webapi.http import paths
from webapi.http.schema import Message
from webapi.security import access, limits, sessions, step_up
from webapi.security.access import public, signed_in
from webapi.services import services

account = APIBlueprint("account", __name__, tag="Account")

_SENT = "Password reset email sent if the address has an account"


@account.put("/profile")
@signed_in
@account.input(schemas.ProfileIn)
@account.output(schemas.ProfileOut)
def change_profile(json_data: schemas.ProfileIn) -> dict[str, Any]:
    """Change one's names or address.

    A new address needs a recent login, and counts once the link sent to it was followed; the present one is told. An
    unchanged address stays verified.
    """
    user, pending = use_cases.change_profile(services(), json_data)
    return {"user": user, "pending_email": pending}


@account.post("/change-password")
@signed_in
@limits.auth
@account.input(schemas.ChangePasswordIn)
@account.output(Message, example={"message": "Password changed successfully"})
def change_password(json_data: schemas.ChangePasswordIn) -> dict[str, str]:
    """Replace one's password; all other sessions end."""
    use_cases.change_password(services(), json_data)
    return {"message": "Password changed successfully"}


@account.post("/forgot-password")
@public
@limits.auth
@account.input(schemas.ForgotPasswordIn)
@account.output(Message, example={"message": _SENT})
def forgot_password(json_data: schemas.ForgotPasswordIn) -> dict[str, str]:
    """Have a link sent by which a new password is chosen; the answer is the same for every address."""
    use_cases.request_reset(services(), json_data)
    return {"message": _SENT}


@account.post("/reset-password")
@public
@limits.auth
@account.input(schemas.ResetPasswordIn)
@account.output(Message, example={"message": "Password changed successfully. Log in with it."})
def reset_password(json_data: schemas.ResetPasswordIn) -> dict[str, str]:
    """Choose a new password by the token of a link. All sessions end; a second factor is asked for as before."""
    use_cases.reset_password(services(), json_data)
    return {"message": "Password changed successfully. Log in with it."}


@account.post("/verify-email")
@public
@limits.auth
@account.input(schemas.VerifyEmailIn)
@account.output(Message, example={"message": "Email verified successfully"})
def verify_email(json_data: schemas.VerifyEmailIn) -> dict[str, str]:
    """Confirm an address by the token of the link that was sent to it; a changed address counts from now on."""
    use_cases.verify_email(services(), json_data)
    return {"message": "Email verified successfully"}


@account.post("/resend-verification")
@signed_in
@limits.auth
@account.output(Message, example={"message": "Verification email sent"})
def resend_verification() -> dict[str, str]:
    """Have the link sent once more that confirms one's address, or the new one; six a day at most."""
    if use_cases.resend_verification(services()):
        return {"message": "Verification email sent"}
    return {"message": "The address is verified already"}


@account.get("/sessions")
@signed_in
@account.output(schemas.SessionsOut)
def list_sessions() -> dict[str, Any]:
    """One's live sessions."""
    work = services()
    caller = access.principal()
    with work.database.connection() as conn:
        own_sessions = sessions.all_of(conn, caller.user_id, work.clock())
    return {"sessions": [_session(each, caller.session_id) for each in own_sessions]}


@account.delete("/sessions/<session_id>")
@signed_in
@step_up.step_up
@account.output(Message, example={"message": "Session ended"})
def end_session(session_id: str) -> dict[str, str]:
    """End one session; needs a recent login."""
    use_cases.end_session(services(), paths.uuid(session_id, "session"))
    return {"message": "Session ended"}


@account.delete("/sessions")
@signed_in
@step_up.step_up
@account.output(schemas.EndedOut, example={"message": "All other sessions ended", "sessions": 2})
def end_other_sessions() -> dict[str, Any]:
    """End all sessions but the one that asks; needs a recent login."""
    ended = use_cases.end_other_sessions(services())
    return {"message": "All other sessions ended", "sessions": ended}


def _session(session: sessions.Session, current: UUID) -> dict[str, Any]:
    shown = ("id", "user_agent", "ip_address", "created_at", "last_seen_at", "expires_at")
    return {**{name: getattr(session, name) for name in shown}, "current": session.id == current}


@account.get("/preferences")
@signed_in
@account.output(schemas.PreferencesOut)
def get_preferences() -> Preferences:
    """Language, currency and time zone that one reads in."""
    with services().database.connection() as conn:
        return preferences.of(conn, access.principal().user_id)


@account.put("/preferences")
@signed_in
@account.input(schemas.PreferencesIn)
@account.output(schemas.PreferencesOut)
def change_preferences(json_data: schemas.PreferencesIn) -> Preferences:
    """Choose them; answers of the API stay English, exact and in UTC."""
    with services().database.connection() as conn:
        wanted = Preferences(**json_data.model_dump())
        return preferences.keep(conn, access.principal().user_id, wanted)
