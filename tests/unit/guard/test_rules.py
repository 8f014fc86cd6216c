"""What of a request's looks is refused, with a proxy in front and without one."""

import re

import pytest

from coinsphere.guard.rules import Request, disguised, foreign

HOSTS = ("127.0.0.1", "localhost", "[::1]", "dagster.example.com", ".inner.example.com")


def request(method: str = "GET", path: str = "/", query: str = "", **headers: str) -> Request:
    names = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(method, path, query, names)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:3000", None),
        ("localhost:3000", "http://localhost:3000"),
        ("LOCALHOST:3000", "http://localhost:3000"),
        ("[::1]:3000", "http://[::1]:3000"),
        # TLS ends at a proxy, which passes the host on.
        ("dagster.example.com", "https://dagster.example.com"),
        ("dagster.example.com", "https://dagster.example.com:443"),
        ("a.inner.example.com:8443", "https://a.inner.example.com:8443"),
    ],
)
def test_own_pages_are_let_in(host: str, origin: str | None) -> None:
    headers = {"origin": origin} if origin else {}
    assert foreign(request(host=host, **headers), HOSTS) is None


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("", None),
        ("evil.example", None),
        ("localhost.evil.example", None),
        ("localhost@evil.example", None),
        ("localhost:3000:1", None),
        ("localhost, evil.example", None),
        ("notinner.example.com", None),
        ("localhost:3000", "http://localhost"),
        ("localhost:3000", "http://127.0.0.1:3000"),
        ("localhost:3000", "null"),
        ("localhost:3000", "file://"),
        ("localhost:3000", "chrome-extension://localhost:3000"),
        ("localhost:3000", "http://localhost:3000.evil.example"),
        ("localhost:3000", "http://localhost:99999"),
        ("dagster.example.com", "https://dagster.example.com:8443"),
    ],
)
def test_other_hosts_and_origins_are_not(host: str, origin: str | None) -> None:
    headers = {"origin": origin} if origin else {}
    assert foreign(request(host=host, **headers), HOSTS) is not None


def test_two_hosts_are_none() -> None:
    twice = Request("GET", "/", "", [("host", "localhost"), ("host", "localhost")])
    assert foreign(twice, HOSTS) is not None


def test_a_link_of_another_site_may_lead_to_a_page_alone() -> None:
    come = {"host": "localhost", "sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert foreign(request(**come, sec_fetch_dest="document"), HOSTS) is None
    assert foreign(request(**come, sec_fetch_dest="iframe"), HOSTS) is not None
    assert foreign(request("POST", **come, sec_fetch_dest="document"), HOSTS) is not None


@pytest.mark.parametrize(
    ("method", "path", "headers", "is_let_in"),
    [
        ("POST", "/x", {"content_type": "application/json; charset=utf-8"}, True),
        ("POST", "/x", {"content_type": "Application/JSON"}, True),
        ("POST", "/x", {"content_type": "text/plain; application/json"}, False),
        ("POST", "/x", {"content_type": "application/json-seq"}, False),
        ("POST", "/x", {}, False),
        ("DELETE", "/x", {}, True),
        ("DELETE", "/x", {"content_length": "5"}, False),
        ("PUT", "/x", {"transfer_encoding": "chunked"}, False),
        ("PUT", "/file/x", {"content_length": "5", "content_type": "text/plain"}, True),
        ("POST", "/file/x", {"content_type": "application/x-protobuf"}, True),
        ("POST", "/file/x", {"content_type": "text/plain"}, False),
        ("POST", "/file/x", {}, False),
    ],
)
def test_changes_are_asked_for_in_a_type_that_browsers_ask_before(
    method: str, path: str, headers: dict[str, str], is_let_in: bool
) -> None:
    found = disguised(request(method, path, **headers), re.compile("/file/.*"))
    assert (found is None) is is_let_in
