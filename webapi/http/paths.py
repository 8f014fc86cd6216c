"""Ids in paths."""

from uuid import UUID

from webapi.http import errors


def uuid(text: str, what: str) -> UUID:
    """The id that `text` is. Raises `errors.Problem` with status 404: what is malformed names nothing."""
    try:
        parsed = UUID(text)
    except ValueError:
        raise errors.not_found(what) from None
    # Other spellings that `UUID` takes are no addresses of ours.
    if str(parsed) != text.lower():
        raise errors.not_found(what)
    return parsed
