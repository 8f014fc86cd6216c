"""Imports of files, each with a preview before anything is stored; and the export."""

from typing import Any

from flask import Blueprint, Response, request
from psycopg import Connection

from coinsphere.portfolio.imports import batches
from coinsphere.portfolio.imports.formats import recognition
from coinsphere.portfolio.imports.formats.layouts import FORMATS
from webapi.http import errors
from webapi.http.schema import check
from webapi.portfolios import scope
from webapi.portfolios.files import use_cases
from webapi.portfolios.files.schemas import AnswersIn, ExportQuery
from webui import rendering, requests
from webui.i18n import ngettext
from webui.pages import flash_messages, submissions
from webui.pages.imports import preview
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import signed_in

web_portfolio_files = Blueprint("web_portfolio_files", __name__)
_MOST_NAME = 200
_MOST_ROWS = 200


@web_portfolio_files.get("/portfolios/<portfolio_id>/imports")
@signed_in
def imports(portfolio_id: str) -> Response:
    """Choose a file, and the imports so far; a portfolio as a file."""
    return _list(portfolio_id, EMPTY)


@web_portfolio_files.post("/portfolios/<portfolio_id>/imports")
@signed_in
def start(portfolio_id: str) -> Response:
    """Take a file, or its first part, and go and look at it."""

    def act() -> Response:
        with scope.connection() as conn:
            portfolio = scope.find(conn, portfolio_id)
            name, content = _given()
            wanted = request.form.get("format", "")
            form = wanted if wanted in FORMATS else preview.recognised(content)
            batch_id = batches.start(
                conn, scope.user_id(), portfolio.id, form=form, content=content, file_name=name
            )
        address = f"/portfolios/{portfolio_id}/imports/{batch_id}"
        if "parts" in request.form:
            return Response(address, mimetype="text/plain")
        return requests.lead_to(address)

    return submissions.attempted(act, lambda form: _list(portfolio_id, form))


@web_portfolio_files.post("/portfolios/<portfolio_id>/imports/<batch_id>/parts")
@signed_in
def add_part(portfolio_id: str, batch_id: str) -> Response:
    """Take the next part of a file; a script sends it."""
    with scope.connection() as conn:
        use_cases.append(conn, use_cases.find(conn, portfolio_id, batch_id), _given()[1])
    return Response(status=204)


@web_portfolio_files.get("/portfolios/<portfolio_id>/imports/<batch_id>")
@signed_in
def look(portfolio_id: str, batch_id: str) -> Response:
    """What an import would bring, how far it is, or what became of it."""
    return _shown(portfolio_id, batch_id, EMPTY)


@web_portfolio_files.post("/portfolios/<portfolio_id>/imports/<batch_id>/answers")
@signed_in
def answer(portfolio_id: str, batch_id: str) -> Response:
    """Answer what the file leaves open."""

    def act() -> Response:
        ignored = request.form.getlist("ignoreColumns")
        answers = submissions.given(AnswersIn, **({"ignoreColumns": ignored} if ignored else {}))
        with scope.connection() as conn:
            use_cases.answer(conn, use_cases.find(conn, portfolio_id, batch_id), answers.told())
        return _back(portfolio_id, batch_id)

    return submissions.attempted(act, lambda form: _shown(portfolio_id, batch_id, form))


@web_portfolio_files.post("/portfolios/<portfolio_id>/imports/<batch_id>/format")
@signed_in
def read_as(portfolio_id: str, batch_id: str) -> Response:
    """Have the file read in another format, or by another mapping of its columns."""
    form = request.form.get("format", "")
    mapping = preview.mapped() if form == recognition.OTHER else None
    with scope.connection() as conn:
        batch = use_cases.find(conn, portfolio_id, batch_id)
        if form not in FORMATS or not batches.read_as(conn, batch, form, mapping or None):
            raise use_cases.closed()
    return _back(portfolio_id, batch_id)


@web_portfolio_files.post("/portfolios/<portfolio_id>/imports/<batch_id>/confirm")
@signed_in
def confirm(portfolio_id: str, batch_id: str) -> Response:
    """Have the import done, by the worker."""

    def act() -> Response:
        with scope.connection() as conn:
            use_cases.confirm(conn, use_cases.find(conn, portfolio_id, batch_id))
        return _back(portfolio_id, batch_id)

    return submissions.attempted(act, lambda form: _shown(portfolio_id, batch_id, form))


@web_portfolio_files.get("/portfolios/<portfolio_id>/export")
@signed_in
def export(portfolio_id: str) -> Response:
    """All transactions of a portfolio, as a file."""
    asked = check(ExportQuery, request.args.to_dict())
    return use_cases.export(portfolio_id, asked.format or "csv")


@web_portfolio_files.post("/portfolios/<portfolio_id>/imports/<batch_id>/take-back")
@signed_in
def take_back(portfolio_id: str, batch_id: str) -> Response:
    """Take all back that an import brought."""

    def act() -> Response:
        with scope.connection() as conn:
            count = use_cases.take_back(conn, use_cases.find(conn, portfolio_id, batch_id))
        text = ngettext(
            "%(num)s transaction is taken back.", "%(num)s transactions are taken back.", count
        )
        return flash_messages.lead_to(f"/portfolios/{portfolio_id}/imports", text % {"num": count})

    return submissions.attempted(act, lambda form: _shown(portfolio_id, batch_id, form))


def _given() -> tuple[str, bytes]:
    """Name and bytes of the file that was sent. Raises `errors.Problem` with status 400 where there is none."""
    sent = request.files.get("file")
    content = sent.read() if sent is not None else b""
    if sent is None or not content:
        raise errors.invalid(
            [{"path": "file", "message": "is needed, and must not be empty", "code": "missing"}]
        )
    name = "".join(each for each in sent.filename or "" if each.isprintable())
    return name[:_MOST_NAME] or "file", content


def _back(portfolio_id: str, batch_id: str) -> Response:
    return requests.lead_to(f"/portfolios/{portfolio_id}/imports/{batch_id}")


def _list(portfolio_id: str, form: Submission) -> Response:
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        past_imports = batches.list_for(conn, scope.user_id(), portfolio.id)
    return rendering.page(
        "imports/index.html", portfolio=portfolio, imports=past_imports, form=form, formats=FORMATS
    )


def _shown(portfolio_id: str, batch_id: str, form: Submission) -> Response:
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        batch = use_cases.find(conn, portfolio_id, batch_id)
        more = _preview(conn, batch) if batch.status == "previewed" else {}
    whole = "imports/preview.html" if batch.status == "previewed" else "imports/progress.html"
    template = "imports/state.html" if requests.is_part() else whole
    return rendering.page(
        template,
        portfolio=portfolio,
        batch=batch,
        form=form,
        formats=FORMATS,
        rows=_MOST_ROWS,
        **more,
    )


def _preview(conn: Connection, batch: batches.Batch) -> dict[str, Any]:
    return {"looked": preview.at(conn, batch), "fields": preview.FIELDS, "needed": preview.NEEDED}
