"""Who is let in, and how much of everything one may ask for."""

from pathlib import Path

from pydantic import Field

from coinsphere.settings.base import Base


class Api(Base):
    """Who is let in, and how much of everything one may ask for."""

    jwt_issuer: str = Field("coinsphere", description="`iss` of access tokens.")
    jwt_audience: str = Field("coinsphere-api", description="`aud` of access tokens.")
    jwt_algorithm: str = Field(
        "RS256",
        pattern="^(RS256|PS256|ES256|EdDSA)$",
        description="Algorithm of the signing keys that are made from now on; each key keeps its own.",
    )
    access_token_seconds: int = Field(600, ge=30, le=3600, description="Life of an access token.")
    refresh_idle_days: int = Field(
        14, ge=1, le=90, description="A refresh token unused for so long expires."
    )
    refresh_grace_seconds: int = Field(
        5,
        ge=0,
        le=10,
        description="For so long a refresh token that was used gives the same successor again (tabs that refresh at "
        "once, a lost answer); 0: a second use always ends the session.",
    )
    refresh_absolute_days: int = Field(
        90, ge=1, le=365, description="A session ends after so long in any case."
    )
    registration_conceals_accounts: bool = Field(
        default=False,
        description="Answer a registration of a taken address as if it were new, and mail its owner.",
    )
    cors_origins: tuple[str, ...] = Field(
        (), description="Exact origins that browsers may call from."
    )
    api_hosts: tuple[str, ...] = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        description="Host names that the API answers to, beside `bind_host` (comma-separated; `.example.com` "
        "includes its sub-domains).",
    )
    api_workers: int = Field(2, ge=1, le=64, description="gunicorn worker processes.")
    api_drain_seconds: float = Field(
        0,
        ge=0,
        le=60,
        description="So long before its end the API says 503 at `/health/ready` and ends its clients' connections, so that a "
        "front that asks sends nothing more; 0 where no front asks.",
    )
    api_threads: int = Field(8, ge=1, le=64, description="Threads of one worker process.")
    api_connections_per_address: int = Field(
        256,
        ge=0,
        le=1000,
        description="Connections that one address (of IPv6 its /64) may hold in one worker process, or in the stream "
        "before it says who it is; 0: any number. "
        "Behind `trusted_proxies` they are not counted: the proxy has one address.",
    )
    cache_seconds: int = Field(10, ge=1, le=3600, description="Life of a cached public answer.")
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=5,
        description="Reverse proxies in front of the API whose `X-Forwarded-For` is believed.",
    )
    rate_limit_window_seconds: int = Field(
        900, ge=1, le=86_400, description="The window that requests are counted in."
    )
    rate_limit_api: int = Field(
        3000, ge=1, description="Requests of one user, or address without one, in a window."
    )
    rate_limit_auth: int = Field(
        300,
        ge=1,
        description="Registrations, logins and refreshes from one address in a window.",
    )
    rate_limit_auth_failures: int = Field(
        100,
        ge=1,
        description="Refused ones of these from one address in a window; 5 to 10 on a public server.",
    )
    rate_limit_key: int = Field(
        1000, ge=1, description="Requests of one API key in a window; they count for its user too."
    )
    features_off: tuple[str, ...] = Field(
        (),
        description="Parts of the API that are off whatever an administrator switched: registration, api-keys, "
        "predictions, portfolios, alerts, defi, exchanges, graphql.",
    )
    graphql_introspection: bool = Field(
        default=False,
        description="Whether GraphQL tells its schema; `coinsphere api graphql` prints it in any case.",
    )
    login_failures_global: int = Field(
        1000,
        ge=1,
        description="Accounts and networks with wrong passwords in 15 minutes after which only known networks log in.",
    )
    password_scheme: str = Field(
        "argon2id",
        pattern="^(argon2id|bcrypt)$",
        description="How new passwords are hashed; hashes of the other kind are verified, and made anew at a login.",
    )
    totp_drift_steps: int = Field(
        1,
        ge=0,
        le=1,
        description="Steps of 30 s by which an authenticator's clock may be wrong either way.",
    )
    admin_session_hours: int = Field(
        12,
        ge=1,
        le=168,
        description="A session of an administrator ends after so long in any case.",
    )
    breached_passwords_file: Path | None = Field(
        None,
        description="Sorted list of SHA-1s of stolen passwords, as Have I Been Pwned distributes it; none of them may be "
        "chosen. Empty: the 30,000 most common ones are refused alone.",
    )
    breached_passwords_url: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Service that is asked for stolen passwords by five digits of their SHA-1, such as "
        "`https://api.pwnedpasswords.com/range`; empty: none. One that is away refuses nobody.",
    )
