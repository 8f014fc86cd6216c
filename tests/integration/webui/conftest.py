"""Pages on real PostgreSQL and Redis: asked as a browser asks, by Flask's client and by a real Chromium."""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.integration.webapi.conftest import NOW, PASSWORD
from tests.integration.webapi.conftest import api_settings as api_settings  # noqa: PLC0414 - a fixture
from tests.integration.webapi.conftest import keys_dir as keys_dir  # noqa: PLC0414 - a fixture
from tests.integration.webapi.conftest import model_server as model_server  # noqa: PLC0414 - a fixture
from tests.integration.webapi.conftest import owner_db as owner_db  # noqa: PLC0414 - a fixture

HTML = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def clock() -> list[datetime]:
    """The present instant of the pages: a test may set another."""
    return [NOW]


@pytest.fixture(scope="module")
def app(api_settings, clock):
    """API and pages of this module."""
    from webapi.services import EXTENSION
    from webui.app import create_app

    made = create_app(api_settings, clock=lambda: clock[0])
    yield made
    made.extensions[EXTENSION].close()


@dataclass
class Visitor:
    """Somebody with a browser: keeps cookies, and sends the token of the form that it sees."""

    client: FlaskClient
    email: str = ""
    form: str = field(default="", repr=False)

    def get(self, path: str, **headers: str) -> TestResponse:
        answer = self.client.get(path, headers={**HTML, **headers})
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', answer.text)
        self.form = found[1] if found else self.form
        return answer

    def post(self, path: str, data: dict | None = None, **headers: str) -> TestResponse:
        return self.client.post(
            path, data={"csrf": self.form, **(data or {})}, headers={**HTML, **headers}
        )

    def register(self, **fields: str) -> TestResponse:
        self.email = f"{secrets.token_hex(6)}@example.com"
        self.get("/register")
        return self.post("/register", {"email": self.email, "password": PASSWORD, **fields})

    def log_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        self.get("/login")
        return self.post("/login", {"email": email, "password": password})

    @property
    def session(self) -> str | None:
        found = self.client.get_cookie("__Host-session")
        return None if found is None else found.value


@pytest.fixture
def visitor(app, redis_url) -> Visitor:
    """Somebody who has no account yet."""
    return Visitor(app.test_client())


@pytest.fixture
def member(visitor) -> Visitor:
    """Somebody with an account, logged in."""
    answer = visitor.register()
    assert answer.status_code == 303, answer.text
    return visitor


@pytest.fixture
def administrator(app, redis_url, owner_db) -> Visitor:
    """Somebody logged in who may do everything."""
    made = Visitor(app.test_client())
    made.register()
    owner_db.execute("update app.users set role = 'admin' where email = %s", [made.email])
    return made
