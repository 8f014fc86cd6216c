"""Preview of a file to be imported: what it would bring, or why it cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import request
from psycopg import Connection

from coinsphere.parsing import text_encoding
from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports import batches, previews
from coinsphere.portfolio.imports.batches import Batch
from coinsphere.portfolio.imports.formats import recognition, row_readers
from coinsphere.portfolio.imports.previews import Preview
from webapi.services import services
from webui import requests

FIELDS = tuple(name for name in row_readers.MAPPED_COLUMNS if name not in ("external_id", "source"))
"""What a column of a file may stand for."""
NEEDED = frozenset(("date", "token", "amount"))
_PREFIX = "map."


@dataclass(frozen=True, slots=True)
class FilePreview:
    """`preview`, or the `fault` of the file as a whole; `titles` are its columns where they have to be mapped."""

    preview: Preview | None = None
    fault: str | None = None
    titles: list[str] = field(default_factory=list)
    mapping: Mapping[str, str] = field(default_factory=dict)


def at(conn: Connection, batch: Batch) -> FilePreview:
    """The preview of an import, or the reason why there is none yet."""
    try:
        titles = _titles(conn, batch)
        mapping = batch.mapping if batch.mapping is not None else _guessed(titles)
        if batch.format == recognition.OTHER and batch.mapping is None:
            return FilePreview(titles=titles, mapping=mapping)
        preview = previews.preview(conn, batch, services().clock())
    except UnreadableFile as error:
        return FilePreview(
            fault=str(error), titles=_titles_of_unreadable(conn, batch), mapping=batch.mapping or {}
        )
    return FilePreview(preview, None, titles, mapping)  # fmt: skip


def mapped() -> dict[str, str]:
    """The mapping of columns in the submitted form.

    Raises:
        errors.Problem: 400 where that cannot be stored.
    """
    requests.refuse_unstorable(request.form)
    return {name: chosen for name in FIELDS if (chosen := request.form.get(_PREFIX + name))}


def recognised(start: bytes) -> str:
    """The format that the first part of a file shows; `generic` where none of ours fits."""
    try:
        return recognition.format_of(
            start.decode(text_encoding.encoding_of(start), errors="replace")
        )
    except UnreadableFile:
        return recognition.OTHER


def _titles(conn: Connection, batch: Batch) -> list[str]:
    if batch.format != recognition.OTHER:
        return []
    return recognition.titles(batches.text_of(conn, batch.id))


def _titles_of_unreadable(conn: Connection, batch: Batch) -> list[str]:
    try:
        return _titles(conn, batch)
    except UnreadableFile:
        return []


def _guessed(titles: list[str]) -> dict[str, str]:
    """Columns that are called as ours are."""
    plain = {title.lower().replace(" ", "_"): title for title in titles}
    return {name: plain[name] for name in FIELDS if name in plain}
