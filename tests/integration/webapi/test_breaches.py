"""Wherever a password is chosen, one that was stolen elsewhere is refused: by a file, or by a service that may be away."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.integration.webapi.conftest import NOW, PASSWORD, assert_problem, new_person, register
from webapi.app import create_app
from webapi.services import EXTENSION

STOLEN = "nobody ever guesses this"
ROUTES = ("register", "change-password", "reset-password")


def digest(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


@dataclass
class Range:
    """A service that speaks the protocol of Have I Been Pwned's range API."""

    url: str
    status: int = 200
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@pytest.fixture
def service() -> Iterator[Range]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers["Add-Padding"]))
            padding, stolen = digest(PASSWORD)[5:], digest(STOLEN)[5:]
            data = f"{'0' * 35}:2\r\n{padding}:0\r\n{stolen}:7\r\n".encode()
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Range(f"http://127.0.0.1:{server.server_address[1]}/range")
    Thread(target=server.serve_forever, daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def made(api_settings, redis_url):
    """Makes an API with further settings."""
    apps = []

    def make(**further):
        app = create_app(api_settings.model_copy(update=further), clock=lambda: NOW)
        apps.append(app)
        return app.test_client()

    yield make
    for app in apps:
        app.extensions[EXTENSION].close()


def choose(client, route: str, password: str):
    """The answer to choosing a password by one of the routes that take one."""
    if route == "register":
        return register(client, password=password)
    person = new_person(client)
    if route == "change-password":
        body = {"currentPassword": PASSWORD, "newPassword": password}
        return person.post("/auth/change-password", body)
    body = {"token": "a" * 43, "newPassword": password}
    return client.post("/api/v1/auth/reset-password", json=body)


@pytest.mark.parametrize("route", ROUTES)
def test_a_password_of_the_file_is_refused_wherever_one_is_chosen(made, tmp_path, route) -> None:
    path = tmp_path / "pwned.txt"
    path.write_text("\r\n".join(sorted(f"{digest(text)}:3" for text in (STOLEN, "a", "b", "c"))))
    client = made(breached_passwords_file=path)

    body = assert_problem(choose(client, route, STOLEN), 400)
    assert "stolen" in body["details"][0]["message"]
    assert body["details"][0]["path"] == ("password" if route == "register" else "newPassword")
    assert "stolen" not in choose(client, route, f"{STOLEN}!").text


def test_the_service_is_told_five_digits_and_believed(made, service) -> None:
    client = made(breached_passwords_url=service.url)

    assert_problem(register(client, password=STOLEN), 400)
    assert service.asked == [(f"/range/{digest(STOLEN)[:5]}", "true")]
    # Its own padding has a count of zero.
    assert register(client, password=PASSWORD).status_code == 201


def test_a_service_that_fails_or_is_away_refuses_nobody_(made, service) -> None:
    client = made(breached_passwords_url=service.url)
    service.status = 500
    assert register(client, password=STOLEN).status_code == 201

    client = made(breached_passwords_url="http://127.0.0.1:1/range")
    assert register(client, password=STOLEN).status_code == 201


def test_without_a_setting_nobody_is_asked(client, service) -> None:
    assert register(client, password=STOLEN).status_code == 201
    assert service.asked == []
