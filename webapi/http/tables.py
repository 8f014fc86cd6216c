"""Answers as tables: Parquet and Arrow beside JSON and CSV, by `format=` or by `Accept`.

A file is written first, portion by portion and on disk once it is large: a reader that is slow, or gone, holds no
connection of the database, and what fails does so before anything was sent.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Literal

from flask import Response, request

from coinsphere import arrow_files
from webapi.http import errors

Form = Literal["parquet", "arrow"]
TYPES = {
    "csv": "text/csv",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
}
"""Media types by the value of `format`, as IANA has them."""
INSTEAD: dict[int | str, dict[str, Any]] = {
    200: {"content": {TYPES["parquet"]: {"schema": {}}, TYPES["arrow"]: {"schema": {}}}}
}
"""What an answer of JSON may be instead, for the description of the API."""
_IN_MEMORY = 1024 * 1024
"""Bytes of a file from which on it lies on disk."""
_PART = 64 * 1024


def asked(
    requested: str | None, *, usual: str = "json", others: tuple[str, ...] = ("parquet", "arrow")
) -> str:
    """The format of an answer: that of `format`, else the one `Accept` prefers, else the default.

    An `Accept` that names none of them gets the usual one rather than 406, as everywhere in this API.
    """
    if requested is not None:
        return requested
    forms = {TYPES[form]: form for form in (usual, *others)}
    best = request.accept_mimetypes.best_match(list(forms))
    return usual if best is None else forms[best]


def beside(answer: Response) -> Response:
    """JSON of a route that has other forms by `Accept`: what a cache keeps is for the same header alone."""
    answer.vary.add("Accept")
    return answer


def is_accepted(accept: str) -> bool:
    """Whether a header `Accept` names a table at all."""
    return "apache" in accept


@contextmanager
def sending() -> Iterator[IO[bytes]]:
    """A temporary file to write; it is closed on failure, and else by the answer that `attachment` makes."""
    with ExitStack() as until_sent:
        yield until_sent.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY))
        until_sent.pop_all()


@contextmanager
def fitting() -> Iterator[None]:
    """Turn a number too large for the format into a fault of the request. Raises `errors.Problem` with status 400."""
    try:
        yield
    except arrow_files.TooGreat as error:
        message = f"{error}; csv and json have it whole"
        problem = {"path": "format", "message": message, "code": "too_great"}
        raise errors.invalid([problem]) from None


def attachment(file: IO[bytes], name: str, form: str) -> Response:
    """The answer that sends a written file, as `name` with the ending of its form."""
    size = file.tell()
    file.seek(0)
    answer = Response(_parts(file), mimetype=TYPES[form])
    answer.call_on_close(file.close)
    answer.content_length = size
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(_PART):
            yield part
