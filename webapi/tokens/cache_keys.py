"""Keys of the cached responses that show tokens."""

from webapi.services import services
from webapi.tokens import schemas

LIST, DETAIL, HISTORY = "tokens", "token", "history"


def list_key(query: schemas.ListQuery) -> str:
    """The key of a page of the list."""
    return f"{query.limit}:{query.cursor or ''}:{query.q or ''}"


def forget(symbol: str) -> None:
    """Drop cached answers with a token that changed: its detail and the usual list; other pages follow within seconds."""
    pages = services().pages
    pages.forget(LIST, list_key(schemas.ListQuery.model_validate({})))
    pages.forget(DETAIL, symbol)
