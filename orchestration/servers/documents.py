"""Pages that data tools make of themselves, served beside Dagster's UI and behind its guard: dbt's docs, Data Docs."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coinsphere.settings import Settings
from expectations import data_docs
from expectations.standalone_pages import POLICY

_PREFIX = "/coinsphere/docs"
DBT = f"{_PREFIX}/dbt"
CHECKS = f"{_PREFIX}/checks/index.html"
_NOT_YET = "Nothing is built yet: it comes with the next daily run, or with `pipeline`.\n"


def dbt(settings: Settings) -> Path:
    """The page of dbt's docs, which needs no other file."""
    return settings.state / "documents" / "dbt.html"


def checks(settings: Settings) -> Path:
    """The folder in which Great Expectations keeps its newest results and their pages."""
    return settings.state / "documents" / "checks"


class DocumentsMiddleware:
    """Serves the pages, and everything else by `app`."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._page = dbt(settings)
        self._checks = data_docs.pages(checks(settings))
        self._documents = Starlette(
            routes=[
                Route(DBT, self._dbt),
                Route(f"{_PREFIX}/checks", lambda _: RedirectResponse(CHECKS)),
                Mount(f"{_PREFIX}/checks", app=self._of_checks),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a page, or let the application answer."""
        is_page = scope["type"] == "http" and scope["path"].startswith(f"{_PREFIX}/")
        await (self._documents if is_page else self._app)(scope, receive, send)

    def _dbt(self, _: Request) -> Response:
        if not self._page.is_file():
            return PlainTextResponse(_NOT_YET, 404)
        return FileResponse(self._page, media_type="text/html")

    async def _of_checks(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_built = self._checks.is_dir()
        pages: ASGIApp = (
            StaticFiles(directory=self._checks) if is_built else PlainTextResponse(_NOT_YET, 404)
        )

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Content-Security-Policy"] = POLICY
            await send(message)

        await pages(scope, receive, with_policy)
