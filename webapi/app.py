"""The composition root: `create_app` alone builds pools, clients and the app around them."""

from apiflask import APIFlask
from flask_cors import CORS

from coinsphere.clock import Clock, utc_now
from coinsphere.db.pool import Database
from coinsphere.settings import Role, Settings
from webapi import errors, middleware, upstream
from webapi.alerts.routes import alerts
from webapi.auth.routes import auth
from webapi.cache import Cache, PageCache
from webapi.documentation import specification
from webapi.documentation.routes import documentation
from webapi.health.probes import Health
from webapi.health.routes import health
from webapi.json import ExactProvider
from webapi.predictions.routes import predictions
from webapi.risk.routes import risk
from webapi.security import access, access_tokens, keys, limits
from webapi.security.passwords import Passwords
from webapi.security.routes import security
from webapi.security.sessions import SessionCache
from webapi.services import EXTENSION, Services
from webapi.tokens.routes import tokens

BODY_LIMIT = 1024 * 1024
V1 = "/api/v1"


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
    app = APIFlask(
        "webapi",
        title="Coinsphere API",
        version="1",
        spec_path=None,
        docs_path=None,
        json_errors=False,
        static_folder=None,  # type: ignore[arg-type]  # typed narrower than Flask takes it
    )
    work = _services(settings, clock)
    app.extensions[EXTENSION] = work
    _configure(app, settings)
    middleware.register(app)
    errors.register(app)
    access_tokens.register(app, settings, work.keyring)
    limits.register(app, settings)
    access.register(app)
    _add_routes(app)
    specification.register(app)
    access.refuse_undeclared(app)
    return app


def _services(settings: Settings, clock: Clock) -> Services:
    cache = Cache(settings.redis_dsn)
    return Services(
        settings=settings,
        clock=clock,
        keyring=keys.load(settings.keys_dir),
        passwords=Passwords(),
        cache=cache,
        pages=PageCache(cache, settings.cache_seconds),
        sessions=SessionCache(cache),
        http=upstream.client(),
        health=Health(),
        _database=Database(settings.url_for(Role.API), size=settings.database_pool_size),
    )


def _configure(app: APIFlask, settings: Settings) -> None:
    app.json = ExactProvider(app)
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
        CORS(
            app,
            resources={r"/(api|health|\.well-known)/?.*": {"origins": list(settings.cors_origins)}},
            allow_headers=["Authorization", "Content-Type", "If-None-Match"],
            expose_headers=[
                "ETag",
                middleware.REQUEST_ID,
                "Retry-After",
                "RateLimit",
                "RateLimit-Policy",
            ],
            max_age=600,
        )


def _add_routes(app: APIFlask) -> None:
    app.register_blueprint(health)
    app.register_blueprint(security)
    app.register_blueprint(documentation, url_prefix="/api")
    app.register_blueprint(auth, url_prefix=f"{V1}/auth")
    app.register_blueprint(tokens, url_prefix=f"{V1}/tokens")
    app.register_blueprint(alerts, url_prefix=f"{V1}/alerts")
    app.register_blueprint(predictions, url_prefix=f"{V1}/predictions")
    app.register_blueprint(risk, url_prefix=f"{V1}/risk")
