"""What data tools tell of themselves, beside Dagster's pages and behind the same guard."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from coinsphere.guard.asgi import Guard
from coinsphere.settings import Settings
from expectations import data_docs
from orchestration.servers import documents

TOKEN = "t" * 43


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(home=tmp_path, service_token=TOKEN)


@pytest.fixture
def client(settings) -> TestClient:
    app = documents.DocumentsMiddleware(PlainTextResponse("Dagster"), settings)
    return TestClient(Guard(app, settings, "dagster"), base_url="http://127.0.0.1:3000")


def read(client, path: str):
    return client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}, follow_redirects=False)


def test_what_is_not_built_says_so_and_the_rest_is_dagsters(client) -> None:
    for path in (documents.DBT, documents.CHECKS):
        assert read(client, path).status_code == 404
        assert "Nothing is built yet" in read(client, path).text
    assert read(client, "/runs").text == "Dagster"
    assert read(client, "/coinsphere/docs/checks").headers["location"].endswith(documents.CHECKS)


def test_pages_are_served_and_nothing_beside_them(client, settings) -> None:
    page, pages = documents.dbt(settings), data_docs.pages(documents.checks(settings))
    for file in (page, pages / "index.html", pages.parent / "secret.html"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"<p>{file.name}</p>", encoding="utf-8")
    assert read(client, documents.DBT).text == "<p>dbt.html</p>"
    assert read(client, documents.CHECKS).text == "<p>index.html</p>"
    for path in ("../secret.html", "%2e%2e/secret.html", "..%2fsecret.html"):
        assert "secret.html" not in read(client, f"/coinsphere/docs/checks/{path}").text


def test_nobody_reads_them_without_a_pass(client) -> None:
    for path in (documents.DBT, documents.CHECKS):
        assert client.get(path).status_code == 401
