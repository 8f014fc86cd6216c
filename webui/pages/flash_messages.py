"""A message for the next page, such as what was just done. It travels in a cookie that the next page empties."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from flask import Response, g, request

from webui import requests

COOKIE = "__Host-note"
_MOST_CHARACTERS = 600


def lead_to(address: str, text: str) -> Response:
    """Go there, and say `text` there."""
    answer = requests.lead_to(address)
    packed = urlsafe_b64encode(text.encode()).decode()
    answer.set_cookie(
        COOKIE, packed, max_age=60, path="/", secure=True, httponly=True, samesite="Lax"
    )
    return answer


def take() -> str | None:
    """The sentence that waits for this page; it is said once."""
    packed = request.cookies.get(COOKIE, "")
    if not 0 < len(packed) <= _MOST_CHARACTERS:
        return None
    g.note_taken = True
    try:
        return urlsafe_b64decode(packed).decode()
    except ValueError:
        return None


def forget(answer: Response) -> Response:
    """Empty the cookie of a page that said it."""
    if g.get("note_taken"):
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    return answer
