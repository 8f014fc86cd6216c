"""The composition root of what gunicorn runs: the API's own app, with pages on it."""

from apiflask import APIFlask
from flask import Flask

from coinsphere.clock import Clock, utc_now
from coinsphere.settings import Settings
from webapi.app import create_app as create_api
from webapi.security import access
from webui import assets, problems, rendering
from webui.assets import Assets
from webui.pages.account.routes import web_account
from webui.pages.admin.analytics import web_admin_analytics
from webui.pages.admin.asset_events import web_admin_asset_events
from webui.pages.admin.data import web_admin_data
from webui.pages.admin.jobs import web_admin_jobs
from webui.pages.admin.models import web_admin_models
from webui.pages.admin.routes import web_administration
from webui.pages.admin.tokens import web_admin_tokens
from webui.pages.admin.users import web_admin_users
from webui.pages.alerts.answers import web_alert_answers
from webui.pages.alerts.routes import web_alerts
from webui.pages.api_keys.routes import web_api_keys
from webui.pages.appearance.routes import web_appearance
from webui.pages.billing.routes import web_billing
from webui.pages.channels.routes import web_channels
from webui.pages.connections.exchanges import web_exchanges
from webui.pages.connections.routes import web_connections
from webui.pages.connections.wallets import web_defi
from webui.pages.dashboard.routes import web_dashboard
from webui.pages.data.routes import web_data
from webui.pages.entry.openid import web_openid
from webui.pages.entry.routes import web_auth
from webui.pages.feedback.routes import web_feedback
from webui.pages.flags.routes import web_flags
from webui.pages.front.routes import web_front
from webui.pages.imports.routes import web_portfolio_files
from webui.pages.issues.routes import web_portfolio_issues
from webui.pages.markets.routes import web_tokens
from webui.pages.portfolios.routes import web_portfolios
from webui.pages.portfolios.shares import web_portfolio_shares
from webui.pages.second_factors.routes import web_second_factors
from webui.pages.shared.routes import web_shared
from webui.pages.styleguide.routes import web_styleguide
from webui.pages.tax.routes import web_tax
from webui.pages.token.routes import web_token
from webui.pages.transactions.routes import web_transactions
from webui.security import forms

PAGES = (
    web_front,
    web_styleguide,
    web_appearance,
    web_auth,
    web_openid,
    web_account,
    web_second_factors,
    web_api_keys,
    web_data,
    web_billing,
    web_feedback,
    web_flags,
    web_dashboard,
    web_tokens,
    web_token,
    web_shared,
    web_portfolios,
    web_portfolio_shares,
    web_portfolio_files,
    web_portfolio_issues,
    web_connections,
    web_exchanges,
    web_defi,
    web_transactions,
    web_alerts,
    web_alert_answers,
    web_channels,
    web_tax,
    web_administration,
    web_admin_users,
    web_admin_data,
    web_admin_jobs,
    web_admin_analytics,
    web_admin_models,
    web_admin_tokens,
    web_admin_asset_events,
)
"""All blueprints of pages; a page author adds his here."""


def create_app(settings: Settings, *, clock: Clock = utc_now) -> APIFlask:
    """Build the API and the pages on it; see `webapi.app.create_app` for arguments and errors."""
    app = create_api(settings, clock=clock)
    add_pages(app)
    return app


def add_pages(app: Flask) -> None:
    """Add the pages to an API.

    Raises:
        RuntimeError: a page does not declare who may see it.
    """
    files = Assets.of_package()
    app.extensions[assets.EXTENSION] = files
    rendering.register(app, files)
    problems.register(app)
    forms.register(app)
    app.register_blueprint(assets.web_files)
    for pages in PAGES:
        app.register_blueprint(pages)
    access.refuse_undeclared(app)
