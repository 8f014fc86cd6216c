"""The WebSocket on the API's own port: the API's process hands the connection to the stream's."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.conftest import free_port
from tests.integration.webapi.conftest import V1
from tests.integration.webapi.test_gunicorn import Running, registered, wait_for
from tests.integration.webapi.test_gunicorn import running as running  # noqa: PLC0414 - a fixture
from tests.integration.webapi.test_gunicorn import variables as variables  # noqa: PLC0414 - a fixture


@pytest.fixture
def stream(variables, running: Running, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    port = str(free_port())
    env = {**variables, "COINSPHERE_STREAM_PORT": port}
    with subprocess.Popen([sys.executable, "-m", "coinsphere.stream"], env=env) as process:
        url = f"http://127.0.0.1:{port}/health"
        wait_for(lambda: running.client.get(url).json()["listening"], "the stream's start")
        yield process
        process.kill()


def opened(api: Running, token: str | None, **options) -> ClientConnection:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{api.url}{V1}/ws".replace("http", "ws", 1)
    return connect(url, additional_headers=headers, proxy=None, open_timeout=60, **options)


def refused(api: Running, token: str | None, **options) -> tuple[int, dict]:
    with pytest.raises(InvalidStatus) as error:
        opened(api, token, **options)
    answer = error.value.response
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, json.loads(answer.body)


def test_the_stream_answers_on_the_apis_port(running: Running, stream) -> None:
    token = registered(running, "live@example.com")
    with opened(running, token) as client:
        assert json.loads(client.recv(60))["type"] == "connected"
        client.send('{"type":"subscribe","symbols":["BTC"]}')
        assert json.loads(client.recv(60))["symbols"] == ["BTC"]
        # The API's process has nothing to do with it any more, and may go.
        for worker in running.workers():
            worker.kill()
        wait_for(lambda: running.client.get(f"{running.url}/health/live").is_success, "new workers")
        client.send('{"type":"ping"}')
        assert json.loads(client.recv(60))["type"] == "pong"
    # A browser carries the token in a subprotocol, and comes from an origin that is allowed or is not.
    offered = {"subprotocols": ["coinsphere.v1", f"token.{token}"]}
    with opened(
        running, None, origin=running.url.replace("127.0.0.1", "localhost"), **offered
    ) as client:
        assert client.subprotocol == "coinsphere.v1"
    graphql = ["graphql-transport-ws", f"token.{token}"]
    with opened(running, None, subprotocols=graphql) as client:
        client.send('{"type":"connection_init"}')
        assert json.loads(client.recv(60)) == {"type": "connection_ack"}
    with pytest.raises(InvalidStatus) as foreign:
        opened(running, None, origin="https://evil.example", **offered)
    assert foreign.value.response.status_code == 403

    assert refused(running, None)[0] == 401
    assert refused(running, "no.token.atall")[0] == 401
    plain = running.get("/ws", token)
    assert plain.status_code == 426
    assert plain.headers["Upgrade"] == "websocket"
    assert plain.json()["error"]

    stream.kill()
    stream.wait()
    status, body = refused(running, token)
    assert status == 503
    assert "stream" in body["error"]
    assert running.get("/auth/me", token).status_code == 200
