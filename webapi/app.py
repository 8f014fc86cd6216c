"""The composition root: `create_app` alone builds pools, clients and the app around them."""

from collections.abc import Callable
from typing import Any

from apiflask import APIFlask
from flask import Response
from flask_cors import CORS

from coinsphere.accounts.openid.provider import Provider
from coinsphere.clock import Clock, utc_now
from coinsphere.flags.client import Flags
from coinsphere.security.signing.file_keyring import FileKeyring
from coinsphere.security.symmetric_keys import SymmetricKeys
from coinsphere.settings import Role, Settings
from webapi import features
from webapi.account.data_routes import data
from webapi.account.routes import account
from webapi.admin.asset_events.routes import blueprint as asset_events
from webapi.admin.data.routes import blueprint as administration_data
from webapi.admin.jobs.routes import blueprint as administration_jobs
from webapi.admin.routes import administration
from webapi.admin.tokens.routes import blueprint as token_administration
from webapi.alerts.routes import alerts
from webapi.analytics.routes import analytics
from webapi.api_keys import request_key
from webapi.api_keys.routes import api_keys
from webapi.auth.routes import auth
from webapi.backends import upstream
from webapi.backends.cache import Cache, PageCache
from webapi.backends.database import RequestDatabase
from webapi.backends.health import Health
from webapi.backends.memory import Changes
from webapi.billing.routes import billing
from webapi.channels.routes import channels
from webapi.defi.routes import defi
from webapi.documentation import specification
from webapi.documentation.routes import documentation
from webapi.exchanges.routes import exchanges
from webapi.feedback.routes import feedback, feedback_administration
from webapi.flags import use_cases as flag_use_cases
from webapi.flags.routes import experiment_administration, flag_administration, flags
from webapi.graphql.routes import blueprint as graphql
from webapi.health.routes import health
from webapi.holdings.routes import blueprint as holdings
from webapi.http import (
    compression,
    deprecation,
    errors,
    gate,
    idempotency,
    literal_routes,
    middleware,
)
from webapi.http.envelope import BODY_LIMIT, REQUEST_ID
from webapi.http.json import ExactProvider
from webapi.openid.routes import openid
from webapi.passkeys.routes import passkeys
from webapi.portfolios.composition.routes import blueprint as portfolio_composition
from webapi.portfolios.files.routes import blueprint as portfolio_files
from webapi.portfolios.forecast.routes import blueprint as portfolio_forecast
from webapi.portfolios.gains.routes import blueprint as portfolio_gains
from webapi.portfolios.issues.routes import blueprint as portfolio_issues
from webapi.portfolios.performance.routes import blueprint as portfolio_performance
from webapi.portfolios.risk.routes import blueprint as portfolio_risk
from webapi.portfolios.routes import blueprint as portfolios
from webapi.portfolios.shares.routes import blueprint as portfolio_shares
from webapi.predictions.routes import predictions
from webapi.risk.routes import risk
from webapi.security import access, access_tokens, limits
from webapi.security.admission import Admissions
from webapi.security.breaches import Breaches
from webapi.security.passwords import Passwords
from webapi.security.routes import security
from webapi.security.session_cache import SessionCache
from webapi.services import EXTENSION, Services
from webapi.shared.routes import blueprint as shared
from webapi.tax.routes import tax
from webapi.tokens.routes import tokens
from webapi.transactions.routes import blueprint as transactions
from webapi.two_factor.routes import two_factor
from webapi.watchlist.routes import watchlist

V1 = "/api/v1"

_BLUEPRINTS = (
    (health, None),
    (security, None),
    (documentation, "/api"),
    (auth, f"{V1}/auth"),
    (account, f"{V1}/auth"),
    (openid, f"{V1}/auth/openid"),
    (data, f"{V1}/account"),
    (two_factor, f"{V1}/2fa"),
    (passkeys, f"{V1}/passkeys"),
    (tokens, f"{V1}/tokens"),
    (watchlist, f"{V1}/watchlist"),
    (portfolios, f"{V1}/portfolios"),
    (portfolio_performance, f"{V1}/portfolios"),
    (portfolio_composition, f"{V1}/portfolios"),
    (portfolio_forecast, f"{V1}/portfolios"),
    (portfolio_risk, f"{V1}/portfolios"),
    (portfolio_gains, f"{V1}/portfolios"),
    (portfolio_issues, f"{V1}/portfolios"),
    (portfolio_files, f"{V1}/portfolios"),
    (portfolio_shares, f"{V1}/portfolios"),
    (holdings, f"{V1}/holdings"),
    (transactions, f"{V1}/transactions"),
    (tax, f"{V1}/tax"),
    (shared, f"{V1}/shared"),
    (alerts, f"{V1}/alerts"),
    (channels, f"{V1}/channels"),
    (predictions, f"{V1}/predictions"),
    (graphql, f"{V1}/graphql"),
    (api_keys, f"{V1}/api-keys"),
    (administration, f"{V1}/admin"),
    (token_administration, f"{V1}/admin/tokens"),
    (administration_data, f"{V1}/admin/data"),
    (asset_events, f"{V1}/admin/asset-events"),
    (administration_jobs, f"{V1}/admin/jobs"),
    (analytics, f"{V1}/admin/analytics"),
    (risk, f"{V1}/risk"),
    (exchanges, f"{V1}/exchanges"),
    (defi, f"{V1}/defi"),
    (billing, f"{V1}/billing"),
    (feedback, f"{V1}/feedback"),
    (feedback_administration, f"{V1}/admin/feedback"),
    (flags, f"{V1}/flags"),
    (flag_administration, f"{V1}/admin/flags"),
    (experiment_administration, f"{V1}/admin/experiments"),
)
"""Each resource's routes, and the prefix of their paths."""

_CROSS_ORIGIN_REQUEST_HEADERS = [
    "Authorization",
    request_key.HEADER,
    "Content-Digest",
    "Content-Type",
    idempotency.HEADER,
    "If-None-Match",
    "Signature",
    "Signature-Input",
]
_CROSS_ORIGIN_RESPONSE_HEADERS = [
    "ETag",
    REQUEST_ID,
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    idempotency.REPLAYED,
    "Deprecation",
    "Sunset",
]


class _App(APIFlask):
    """APIFlask without its check, some twenty times a request, whether a function is a coroutine; none of ours is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is."""
        return func


API_VERSION = "1.0.0"
"""Of what goes over the wire (SemVer): a field or route more is a minor step; what breaks a client is `/api/v2`."""


def create_app(settings: Settings, *, clock: Clock = utc_now) -> APIFlask:
    """Build the API.

    Nothing is connected before the first request, so the app may be built before a fork.

    Args:
        settings: see `coinsphere.settings`; the signing key is made in their `keys_dir` if there is none.
        clock: gives the present instant.

    Raises:
        ConfigurationError: a setting is missing, or a signing key unusable.
        RuntimeError: a route does not declare who may call it.
    """
    app = _empty_app()
    work = _services(settings, clock)
    app.extensions[EXTENSION] = work
    _configure(app, settings)
    switches = app.extensions[features.EXTENSION] = features.Switches(settings)
    app.extensions[flag_use_cases.EXTENSION] = Flags.of(settings)
    middleware.register(app)
    literal_routes.register(app)
    deprecation.register(app)
    errors.register(app)
    access_tokens.register(app, settings, work.keyring, work.verifier, clock)
    gate.register(app, work, switches)
    compression.register(app)
    limits.register(app, settings)
    access.register(app)
    _add_routes(app)
    specification.register(app)
    access.refuse_undeclared(app)
    idempotency.register(app)
    return app


def _empty_app() -> APIFlask:
    return _App(
        "webapi",
        title="Coinsphere API",
        version=API_VERSION,
        spec_path=None,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]  # typed narrower than Flask takes it
    )


def _services(settings: Settings, clock: Clock) -> Services:
    cache, changes = Cache(settings.redis_dsn), Changes()
    http = upstream.client()
    keyring = FileKeyring(settings.keys_dir, settings.jwt_algorithm)
    return Services(
        settings=settings,
        clock=clock,
        keyring=keyring,
        verifier=access_tokens.verifier(settings, keyring),
        audit_keys=SymmetricKeys(settings.audit_keys),
        encryption_keys=SymmetricKeys(settings.encryption_keys),
        password_keys=SymmetricKeys(settings.password_keys),
        passwords=Passwords.of(settings),
        breaches=Breaches.of(settings, http),
        changes=changes,
        cache=cache,
        pages=PageCache(cache, settings.cache_seconds, changes),
        sessions=SessionCache(cache, changes),
        admissions=Admissions(cache, changes),
        http=http,
        openid=Provider.of(settings),
        health=Health(),
        _database=RequestDatabase(
            settings.url_for(Role.API),
            size=settings.database_pool_size,
            prepares=settings.api_prepared_statements,
            replica_url=settings.api_replica_dsn,
        ),
    )


def _configure(app: APIFlask, settings: Settings) -> None:
    app.json = ExactProvider(app)
    # Flask would take it from FLASK_DEBUG.
    app.debug = False
    app.url_map.strict_slashes = False
    # A doubled slash is an unknown address, not a redirect.
    app.url_map.merge_slashes = False
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_LIMIT,
        MAX_FORM_MEMORY_SIZE=0,
        PROPAGATE_EXCEPTIONS=False,
        TRUSTED_HOSTS=[*settings.api_hosts, settings.bind_host],
    )
    if settings.cors_origins:
        _allow_origins(app, list(settings.cors_origins))


def _allow_origins(app: APIFlask, origins: list[str]) -> None:
    # Flask-CORS leaves it out where there is one origin; a cache could then give its answer to another's page.
    app.after_request(_vary_by_origin)
    CORS(
        app,
        resources={r"/(api|health|\.well-known)/?.*": {"origins": origins}},
        allow_headers=_CROSS_ORIGIN_REQUEST_HEADERS,
        expose_headers=_CROSS_ORIGIN_RESPONSE_HEADERS,
        max_age=600,
    )


def _vary_by_origin(answer: Response) -> Response:
    answer.vary.add("Origin")
    return answer


def _add_routes(app: APIFlask) -> None:
    for blueprint, prefix in _BLUEPRINTS:
        app.register_blueprint(blueprint, url_prefix=prefix)
