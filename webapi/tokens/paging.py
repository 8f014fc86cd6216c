"""Cursors of pages of tokens."""

from decimal import Decimal
from uuid import UUID

from webapi.http import cursor
from webapi.tokens.queries import After, Token

_UNKNOWN_CAP = Decimal(-1)


def cursor_of(token: Token) -> str:
    """The cursor after that token."""
    cap = _UNKNOWN_CAP if token.market_cap is None else token.market_cap
    return cursor.encode([str(cap), token.symbol, str(token.id)])


def after(text: str) -> After:
    """The row that the cursor `text` stands for. Raises `errors.Problem` with status 400."""
    cap, symbol, token_id = cursor.decode(text, 3)
    try:
        return After(Decimal(str(cap)), str(symbol), UUID(str(token_id)))
    except (ValueError, ArithmeticError):
        raise cursor.refused() from None
