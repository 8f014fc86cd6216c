"""Channels of alerts: added by a form for each kind, tried, switched off and on, deleted; how their messages fared."""

from flask import Blueprint, Response, request

from coinsphere.notify.channels import outbox, repository
from webapi.auth import proofs
from webapi.channels import use_cases
from webapi.channels.schemas import ChannelChange, ChannelIn
from webapi.channels.use_cases import Added
from webapi.portfolios import scope
from webapi.security import limits
from webapi.services import services
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, submissions
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import signed_in

web_channels = Blueprint("web_channels", __name__)
_PAGE = "/alerts/channels"
KINDS = ("webhook", "telegram", "discord", "slack", "ntfy", "web_push")
_SHOWN = 5


@web_channels.get("/alerts/channels")
@signed_in
def channels() -> Response:
    """All channels, what became of their newest messages, and the form for another of the kind that is chosen."""
    return _page(EMPTY)


@web_channels.post("/alerts/channels")
@signed_in
@limits.weighs(10)
def add() -> Response:
    """Add a channel; the secret of a webhook is shown this once."""

    def act() -> Response:
        return _page(
            EMPTY, use_cases.add(submissions.given(ChannelIn, **submissions.whole("digestMinutes")))
        )

    return submissions.attempted(act, _page)


@web_channels.post("/alerts/channels/<channel_id>")
@signed_in
def change(channel_id: str) -> Response:
    """Change quiet hours and digest; a field that is emptied ends them."""

    def act() -> Response:
        emptied = submissions.emptied("quietFrom", "quietUntil", "digestMinutes")
        changes = submissions.given(ChannelChange, **emptied, **submissions.whole("digestMinutes"))
        with scope.connection() as conn:
            use_cases.change(conn, channel_id, changes)
        return flash_messages.lead_to(_PAGE, gettext("Changed."))

    return submissions.attempted(act, _page)


@web_channels.post("/alerts/channels/<channel_id>/test")
@signed_in
@limits.weighs(10)
def try_out(channel_id: str) -> Response:
    """Send a message to try a channel."""
    with scope.connection() as conn:
        use_cases.test(conn, channel_id)
    return flash_messages.lead_to(
        _PAGE, gettext("A message is on its way. What became of it stands here in a moment.")
    )


@web_channels.post("/alerts/channels/<channel_id>/toggle")
@signed_in
def toggle(channel_id: str) -> Response:
    """Switch a channel off, or on again."""
    with scope.connection() as conn:
        is_active = use_cases.find(conn, channel_id).status != "active"
        use_cases.change(conn, channel_id, ChannelChange(isActive=is_active))
    text = gettext("It is told again.") if is_active else gettext("Switched off.")
    return flash_messages.lead_to(_PAGE, text)


@web_channels.post("/alerts/channels/<channel_id>/delete")
@signed_in
def delete(channel_id: str) -> Response:
    """Delete a channel; alerts that chose it lose it."""
    with scope.connection() as conn:
        use_cases.delete(conn, channel_id)
    return flash_messages.lead_to(_PAGE, gettext("The channel is deleted."))


def _page(form: Submission, added: Added | None = None) -> Response:
    wanted = request.form.get("kind") or request.args.get("kind", "")
    with scope.connection() as conn:
        own_channels = repository.list_for(conn, scope.user_id())
        fared = {
            each.id: outbox.newest(conn, scope.user_id(), each.id, _SHOWN) for each in own_channels
        }
    return rendering.page(
        "channels/index.html", form=form, channels=own_channels, fared=fared, added=added, kinds=KINDS,
        push_key=use_cases.push_key(), kind=wanted if wanted in KINDS else KINDS[0], user=proofs.caller(services()),
    )  # fmt: skip
