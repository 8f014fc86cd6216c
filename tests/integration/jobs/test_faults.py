"""Faults that nobody expected reach a server that speaks Sentry's protocol, without secrets and people's data."""

import os
import subprocess
import sys

import pytest
from pydantic import SecretStr

from coinsphere.errors import ConfigurationError
from coinsphere.observability import faults
from coinsphere.settings import Settings
from tests.fakes.sentry import sentry
from tests.integration.jobs.test_worker import _worker, until

_PROGRAM = """
import logging
from coinsphere import log
from coinsphere.observability import faults
from coinsphere.settings import Settings
import structlog
settings = Settings.from_env()
log.configure("INFO")
faults.start(settings, "api")
structlog.contextvars.bind_contextvars(request_id="9f")
password = "hunter2-in-a-variable"
def fail(text):
    held = "secret-of-a-frame"
    raise ValueError(text)
for text in (
    "postgresql://api:hunter3@db/x is away",
    'duplicate key\\nDETAIL:  Key (email)=(ada@example.org) already exists.',
    "no mail to bea.b@example.org",
):
    try:
        fail(text)
    except ValueError as error:
        log.get("webapi").error("unhandled exception", exc_info=error, path="/me?token=abc")
try:
    fail("in a library")
except ValueError:
    logging.getLogger("procrastinate").exception("job failed")
try:
    fail("expected")
except ValueError as error:
    log.get("webapi").warning("as it goes", exc_info=error)
log.get("webapi").error("without an exception")
"""


def test_what_is_logged_as_a_fault_arrives_and_no_secret_with_it(tmp_path):
    with sentry() as server:
        variables = {
            **os.environ,
            "COINSPHERE_HOME": str(tmp_path),
            "COINSPHERE_SENTRY_DSN": server.dsn,
        }
        subprocess.run([sys.executable, "-c", _PROGRAM], env=variables, check=True, timeout=120)
        until(lambda: len(server.events) == 4)
    assert {event["tags"]["process"] for event in server.events} == {"api"}
    assert [event["tags"]["event"] for event in server.events] == ["unhandled exception"] * 3 + [
        "job failed"
    ]
    assert server.events[0]["tags"]["request_id"] == "9f"
    (found,) = server.events[0]["exception"]["values"]
    assert found["type"] == "ValueError"
    assert found["value"] == "postgresql://api:***@db/x is away"
    assert [frame["function"] for frame in found["stacktrace"]["frames"]][-1] == "fail"
    heard = "\n".join(server.heard)
    for secret in ("hunter", "secret-of-a-frame", "example.org", "token=abc"):
        assert secret not in heard


def test_a_job_that_breaks_is_told_by_the_worker(database, owner, tmp_path):
    owner.execute(
        "insert into jobs.procrastinate_jobs (queue_name, task_name, args, status)"
        " values ('mail', 'send_mail', '{\"nonsense\": 1}', 'todo')"
    )
    with sentry() as server, _worker(database, tmp_path, COINSPHERE_SENTRY_DSN=server.dsn):
        until(lambda: server.events, 120)
    assert server.events[0]["server_name"] == "worker"
    assert server.events[0]["exception"]["values"][-1]["type"] == "TypeError"


def test_an_address_that_is_none_is_refused_without_telling_it(tmp_path):
    faults.start(Settings(home=tmp_path), "api")
    wrong = Settings(home=tmp_path, sentry_dsn=SecretStr("http://publickey:hunter2@nowhere"))
    with pytest.raises(ConfigurationError, match="COINSPHERE_SENTRY_DSN") as refused:
        faults.start(wrong, "api")
    assert "hunter2" not in str(refused.value)
