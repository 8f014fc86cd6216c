"""An answer's headers are taken as gunicorn takes them."""

from types import SimpleNamespace

import pytest
from gunicorn.http.wsgi import Response

from webapi.server.answer import Answer

NAMES = ["ETag", "X-A", "Content-Length", "content-length", "Connection", "Upgrade", "Transfer-Encoding", "Keep-Alive", "a b", "", "X:", "Ü"]  # fmt: skip
VALUES = ["1", "", " 1", "1\t", "a b\tc", "close", "upgrade", "websocket", "x\r\ny: z", "\x00", "\x7f", "ä", "€", "\n"]  # fmt: skip


def taken(kind: type, pair: tuple[object, object]) -> object:
    answer = kind(SimpleNamespace(), None, None)
    try:
        answer.process_headers([("Date", "now"), pair, ("Vary", "*")])
    except Exception as error:  # noqa: BLE001 - whatever it is, both raise it
        return type(error), str(error)
    return answer.headers, answer.response_length, answer.upgrade


@pytest.mark.parametrize("name", NAMES)
def test_each_header_is_taken_or_refused_alike(name):
    for value in VALUES:
        assert taken(Answer, (name, value)) == taken(Response, (name, value)), value


def test_gunicorn_sees_only_what_may_mean_something_to_it(monkeypatch):
    seen = []
    monkeypatch.setattr(Response, "process_headers", lambda _, headers: seen.extend(headers))
    pairs = [("ETag", '"a"'), ("Content-Length", "2"), ("Vary", "a, b"), ("X-A", "")]
    answer = Answer(SimpleNamespace(), None, None)
    answer.process_headers(pairs)
    assert seen == [("Content-Length", "2"), ("X-A", "")]
    assert answer.headers == [("ETag", '"a"'), ("Vary", "a, b")]
