"""What goes wrong."""

from collections.abc import Mapping, Sequence
from typing import Any


class ClientError(Exception):
    """Anything that goes wrong here."""


class NotReached(ClientError):
    """The server gave no answer, however often it was asked."""


class UnexpectedAnswer(ClientError):
    """The server's answer is not what this client's types say: one of the two is older than the other."""


class ApiError(ClientError):
    """The server refused (RFC 9457).

    Attributes:
        status: of HTTP.
        code: the end of the problem's `type`, for programs.
        detail: a sentence for people.
        details: what is wrong with which field.
        request_id: by which those who run the server find it.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("type", "")).rpartition(":")[2]
        self.detail = str(problem.get("detail") or problem.get("title") or f"status {status}")
        self.details: Sequence[Mapping[str, Any]] = problem.get("details") or ()
        self.request_id = problem.get("instance")
        super().__init__(f"{status} {self.code}: {problem.get('error') or self.detail}")
