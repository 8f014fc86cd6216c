"""Ids in paths."""

from uuid import UUID

from webapi.http import errors


def uuid(text: str, what: str) -> UUID:
    """Parses an id. Raises `errors.Problem` with status 404 where `text` is none."""
    try:
        parsed = UUID(text)
    except ValueError:
        raise errors.not_found(what) from None
    # Other spellings that `UUID` takes are no addresses of ours.
    if str(parsed) != text.lower():
        raise errors.not_found(what)
    return parsed
