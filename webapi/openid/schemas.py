"""Request and response bodies of `/auth/openid`."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from webapi.auth.schemas import OpaqueToken
from webapi.http.schema import Input, Line, Output

_Secret = Annotated[Line, StringConstraints(min_length=32, max_length=128)]
_Code = Annotated[Line, StringConstraints(min_length=1, max_length=4096)]


class BeginIn(Input):
    """Where the provider is to lead back to."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"redirectUri": "https://app.example.com/back"}}
    )

    redirect_uri: Annotated[Line, StringConstraints(max_length=500)] = Field(
        description="One of the setting `oidc_redirect_uris`, to the letter."
    )


class BegunOut(Output):
    """Where to send the browser, and what to keep until it comes back."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "authorizationUrl": "https://accounts.example.com/authorize?response_type=code&…",
                "loginSecret": "q0T1v…",
            }
        }
    )

    authorization_url: str = Field(description="The provider's page; open it in a browser.")
    login_secret: str = Field(
        description="Ties the answer to who asked: keep it, and show it to nobody but this API."
    )


class FinishIn(Input):
    """What the browser brought back in its address, and what was kept."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"code": "SplxlOBeZQQYbYS6WxSbIA", "state": "af0if…", "loginSecret": "q0T1vXkq2m8Zr4yB7nC5dF3gH6jL9pSw"}}
    )  # fmt: skip

    code: _Code = Field(description="`code` of the address that the provider led back to.")
    state: OpaqueToken = Field(description="`state` of that address.")
    login_secret: _Secret = Field(description="As `POST /auth/openid/begin` answered it.")
    issuer: Annotated[Line, StringConstraints(max_length=500)] | None = Field(
        None, description="`iss` of that address, where it has one."
    )
    two_factor_token: OpaqueToken | None = Field(
        None, description="A TOTP or a recovery code, for accounts with two factors."
    )
