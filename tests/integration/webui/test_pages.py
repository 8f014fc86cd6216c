"""Every page: who may see it, what it bears, how it tells of errors, what it does with hostile names."""

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from pydantic import SecretStr

from tests.integration.webapi.conftest import NOW
from tests.integration.webui.conftest import HTML, Visitor
from webapi.services import EXTENSION
from webui.app import create_app

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


def test_a_browser_gets_pages_and_a_program_json(visitor) -> None:
    assert visitor.get("/").mimetype == "text/html"
    missing = visitor.get("/nothing/here")
    assert (missing.status_code, missing.mimetype) == (404, "text/html")
    assert "There is no such page" in missing.text
    for path in ("/api/v1/nothing", "/api/nothing", "/health/nothing"):
        assert visitor.get(path).mimetype == "application/problem+json"
    program = visitor.client.get("/nothing/here", headers={"Accept": "*/*"})
    assert program.mimetype == "application/problem+json"
    assert visitor.post("/login/code/none").mimetype == "text/html"


def test_the_status_says_what_people_feel(visitor) -> None:
    """Something answers for the model server here, and no worker's heart beats."""
    page = visitor.get("/status")
    assert (page.status_code, "Some things do not work." in page.text) == (200, True)
    states = dict(re.findall(r'<li><span>([^<]+)</span><span class="tag (good|bad)">', page.text))
    assert (states["Pages and API"], states["Forecasts"], states["Mails, imports and syncs"]) == (
        "good",
        "good",
        "bad",
    )
    assert set(states) == {
        "Pages and API", "Prices and risk", "Live updates", "Forecasts", "Mails, imports and syncs", "Backups",
    }  # fmt: skip


def test_what_is_refused_before_its_page_is_asked_is_told_in_the_readers_language(
    app, member
) -> None:
    """A thread remembers what it spoke before, and tells it to nobody else."""
    german = {"Accept-Language": "de"}
    for headers, words in (
        (german, "Das dürfen nur Administratoren"),
        ({}, "Admin access required"),
    ) * 2:
        answer = member.get("/admin/users", **headers)
        assert (answer.status_code, words in answer.text) == (403, True)
        member.get("/", **({} if headers else german))


def test_too_much_at_once_says_when_to_come_back(api_settings, visitor) -> None:
    few = api_settings.model_copy(update={"rate_limit_api": 1, "rate_limit_window_seconds": 30})
    with running(few) as app:
        answers = [Visitor(app.test_client()).get("/markets") for _ in range(3)]
    told = answers[-1]
    assert told.status_code == 429
    assert re.search(r"Try again in 1 minute\.|Try again in \d+ seconds?\.", told.text)
    assert 'href="">Try again' in told.text
    assert 'href="">Try again' not in visitor.get("/nothing-here").text
    assert told.headers["X-Request-Id"] in told.text


def test_without_a_database_a_page_says_so_and_takes_nobody_for_a_stranger(
    api_settings, redis_url, member
) -> None:
    away = SecretStr("postgresql://nobody:x@127.0.0.1:1/x")
    with running(api_settings.model_copy(update={"database_url": away})) as app:
        known = Visitor(app.test_client())
        known.client.set_cookie("__Host-session", member.session, secure=True)
        for path, status in (("/portfolios", 503), ("/nothing-here", 404)):
            answer = known.get(path)
            assert (answer.status_code, answer.mimetype) == (status, "text/html")
            assert "Log in" not in answer.text
            assert answer.headers["X-Request-Id"] in answer.text
        unavailable = known.get("/portfolios")
        assert "the database does not answer" in unavailable.text
        assert 'href="">Try again' in unavailable.text
        assert "Log in" in Visitor(app.test_client()).get("/nothing-here").text


@contextmanager
def running(settings) -> Iterator[Flask]:
    """The pages by other settings."""
    made = create_app(settings, clock=lambda: NOW)
    yield made
    made.extensions[EXTENSION].close()


def test_pages_bear_a_strict_policy_and_cannot_be_framed(visitor, member) -> None:
    for path in ("/", "/login", "/nothing", "/profile", "/dashboard"):
        headers = member.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_page_holds_a_script_or_a_style_of_its_own(member) -> None:
    for path in ("/", "/login", "/profile", "/dashboard", "/nothing"):
        text = member.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", text)
        assert "<style" not in text
        assert not re.search(r"<[^>]+\sstyle=", text)
        assert not re.search(r"<[^>]+\son\w+=", text)


def test_files_are_kept_for_good_and_their_address_names_their_content(visitor) -> None:
    address = re.search(r'href="(/static/[0-9a-f]{16}/app\.css)"', visitor.get("/").text)[1]
    answer = visitor.client.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    plain = visitor.client.get(address)
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(answer.data) == plain.data
    digest = address.split("/")[2]
    assert visitor.client.get(address.replace(digest, "0" * 16)).status_code == 404
    assert visitor.client.get(f"/static/{digest}/../app.py").status_code == 404


def test_names_are_text_wherever_they_stand(member) -> None:
    member.get("/profile")
    assert member.post("/profile", {"firstName": HOSTILE[:100]}).status_code == 303
    text = member.get("/profile").text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert(1)" in text
    wrong = member.post("/profile", {"firstName": HOSTILE, "email": "no address"})
    assert wrong.status_code == 400
    assert "<script>alert" not in wrong.text


@pytest.mark.parametrize(
    "body", [{"email": "a\0b@example.com"}, {"email": "x" * 300}, {"password": "short"}]
)
def test_a_form_says_what_is_wrong_and_forgets_no_word_but_the_password(visitor, body) -> None:
    visitor.get("/register")
    data = {
        "email": "ada@example.com",
        "password": "correct horse battery",
        "firstName": "Ada",
        **body,
    }
    answer = visitor.post("/register", data)
    assert answer.status_code == 400
    assert 'value="Ada"' in answer.text
    assert data["password"] not in answer.text
    assert 'aria-invalid="true"' in answer.text or 'role="alert"' in answer.text


def test_a_large_form_is_refused(visitor) -> None:
    visitor.get("/register")
    assert visitor.post("/register", {"email": "x" * 2_000_000}).status_code == 413


def test_pages_are_compressed_for_who_can_read_that(visitor) -> None:
    plain = visitor.client.get("/", headers=HTML)
    packed = visitor.client.get("/", headers={**HTML, "Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data).count(b"<h1>") == plain.data.count(b"<h1>") == 1


def test_the_theme_is_kept(visitor) -> None:
    visitor.get("/")
    answer = visitor.post("/theme", {"theme": "dark", "next": "/login"})
    assert answer.headers["Location"] == "/login"
    assert 'data-theme="dark"' in visitor.get("/login").text
    assert visitor.post("/theme", {"theme": "x", "next": "//evil"}).headers["Location"] == "/"
    assert 'data-theme="dark"' in visitor.get("/login").text


def test_pages_and_mails_speak_the_readers_language(app, redis_url, owner_db) -> None:
    german = Visitor(app.test_client())
    page = german.get("/register", **{"Accept-Language": "de-AT,de;q=0.9,en;q=0.1"})
    assert '<html lang="de"' in page.text
    assert page.headers["Content-Language"] == "de"
    assert "Konto anlegen" in page.text
    assert '<html lang="en"' in german.get("/register", **{"Accept-Language": "fr"}).text
    german.client.set_cookie("locale", "de", secure=True)
    wrong = german.post("/register", {"email": "x", "password": "short"})
    assert "Muss mindestens 8 Zeichen haben." in wrong.text
    german.register()
    assert "Drei Schritte" in german.get("/dashboard").text
    mailed = "select subject from app.mails where recipient = %s"
    assert owner_db.execute(mailed, [german.email]).fetchone() == ("Bestätige deine Adresse",)
    spoken = "select locale from app.users where email = %s"
    assert owner_db.execute(spoken, [german.email]).fetchone() == ("de",)
    german.get("/profile")
    changed = german.post("/language", {"language": "en", "next": "/profile"})
    assert changed.headers["Location"] == "/profile"
    assert '<html lang="en"' in german.get("/profile", **{"Accept-Language": "de"}).text
    assert owner_db.execute(spoken, [german.email]).fetchone() == ("en",)
    german.post("/language", {"language": "<b>", "next": "//evil.example"})
    assert owner_db.execute(spoken, [german.email]).fetchone() == ("en",)
    # The API says what programs know, whatever a browser's language is.
    answer = german.client.get("/api/v1/nothing", headers={"Accept-Language": "de"})
    assert answer.json["error"] == "not found"
