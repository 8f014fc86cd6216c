"""A login by an OpenID provider for programs; browsers on our own pages have theirs at `/login/openid`."""

from typing import Any

from apiflask import APIBlueprint

from coinsphere.accounts import opaque_tokens
from webapi.auth import logins
from webapi.auth.schemas import LoggedInOut
from webapi.http import errors
from webapi.openid import schemas, use_cases
from webapi.security import limits
from webapi.security.access import public
from webapi.services import services

openid = APIBlueprint("openid", __name__, tag="Authentication")


@openid.post("/begin")
@public
@limits.auth
@openid.input(schemas.BeginIn)
@openid.output(schemas.BegunOut, 201, description="The login was begun.")
def begin(json_data: schemas.BeginIn) -> dict[str, Any]:
    """Begin a login by the OpenID provider that this server is registered at.

    Open `authorizationUrl` in a browser, and keep `loginSecret`: what the browser brings back goes to
    `POST /auth/openid/finish` with it, within ten minutes. 404 where there is no provider.
    """
    work = services()
    if work.openid is not None and json_data.redirect_uri not in work.settings.oidc_redirect_uris:
        message = "is none of the addresses that a login may lead back to"
        raise errors.invalid([{"path": "redirectUri", "message": message, "code": "redirect_uri"}])
    secret = opaque_tokens.new()
    address = use_cases.begin(work, secret, redirect_uri=json_data.redirect_uri)
    return {"authorization_url": address, "login_secret": secret}


@openid.post("/finish")
@public
@limits.auth
@openid.input(schemas.FinishIn)
@openid.output(LoggedInOut)
def finish(json_data: schemas.FinishIn) -> dict[str, Any]:
    """Log in by what the provider answered; who is new gets an account.

    A login is good once. Answers 409 where an account of that address exists that was not linked by its owner, and 403 with
    `requires2FA: true` where a second factor is needed: begin anew, and send `twoFactorToken` with what comes back.
    """
    work, body = services(), json_data
    begun = use_cases.take(work, body.login_secret, body.state)
    who = use_cases.identity(work, begun, body.login_secret, body.code, body.issuer)
    return use_cases.log_in(work, who, body.two_factor_token, logins.tokens).answer
