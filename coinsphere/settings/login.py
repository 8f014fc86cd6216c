"""An OpenID provider that people may log in by, beside passwords."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from coinsphere.settings.base import Base, variable

_ALL = ("oidc_issuer", "oidc_client_id", "oidc_client_secret")


class Login(Base):
    """An OpenID provider that people may log in by, beside passwords. Without it there is no button for one."""

    oidc_issuer: str | None = Field(
        None,
        description="Issuer of an OpenID provider, as it writes itself (`https://accounts.example.com`), but for a slash at its end. Set with the next "
        "two, or none of them; register `/login/openid/answer` of our pages as redirect URI there.",
    )
    oidc_client_id: str | None = Field(None, description="Our id at the provider.")
    oidc_client_secret: SecretStr | None = Field(None, description="Our secret at the provider.")
    oidc_name: str = Field(
        "OpenID", max_length=40, description="What the button calls the provider."
    )
    oidc_registers: bool = Field(
        default=True,
        description="Whether who is new, and whose address the provider has confirmed, gets an account by logging in.",
    )
    oidc_redirect_uris: tuple[str, ...] = Field(
        (),
        description="Addresses of other programs that a login by the API may lead back to, exactly as they are sent.",
    )
    oidc_private_network: bool = Field(
        default=False, description="The provider may be in a private network, and without TLS."
    )

    @model_validator(mode="after")
    def _require_all_of_oidc(self) -> Self:
        missing = [variable(name) for name in _ALL if getattr(self, name) is None]
        if 0 < len(missing) < len(_ALL):
            raise ValueError(f"a login by OpenID needs {' and '.join(missing)}, too")
        return self
