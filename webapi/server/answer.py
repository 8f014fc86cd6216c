"""gunicorn's answer, whose headers are checked by fewer calls."""

import re
from collections.abc import Sequence
from functools import lru_cache

from gunicorn.http.message import TOKEN_RE
from gunicorn.http.wsgi import Response
from gunicorn.util import is_hoppish

_VALUE = re.compile(r"[\x21-\x7e\x80-\xff](?:[ \t\x21-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?")
"""What gunicorn lets through as it is: RFC 9110, section 5.5."""
_FRAMING = "content-length"


class Answer(Response):  # type: ignore[misc]  # gunicorn has no types
    """Passes the usual headers at once, and leaves all others to gunicorn, which may refuse them."""

    headers: list[tuple[str, str]]

    def process_headers(self, headers: Sequence[tuple[str, str]]) -> None:
        """Take the headers of the application; raises what gunicorn raises."""
        for each in headers:
            if _is_usual(each[0]) and _VALUE.fullmatch(each[1]):
                self.headers.append(each)
            else:
                super().process_headers([each])


@lru_cache(maxsize=256)
def _is_usual(name: str) -> bool:
    """Whether it is a header's name, and means nothing to the server itself."""
    is_name = TOKEN_RE.fullmatch(name) is not None
    return is_name and name.lower() != _FRAMING and not is_hoppish(name)
