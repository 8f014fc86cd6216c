"""No secret gets into a log, whatever name, depth or text it hides in; and every event stays one line."""

import json
import subprocess
import sys

import pytest

from coinsphere import log

CANARY = "c4n4ry-5ecret"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c4n4ry-5ecret"
PEM = f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://user:{CANARY}@host/db",
        f"redis://:{CANARY}@host:6379/0 is away",
        f"host=x password={CANARY} dbname=y",
        f"Authorization: Bearer {CANARY}",
        f"authorization: basic {CANARY}",
        f"ba\u017fic {CANARY}",
        f"key cs_live_{CANARY} is not known",
        f"whsec_{CANARY}",
        f"session {JWT}",
        f'{{"password": "{CANARY}", "a": 1}}',
        f"{{'api_key': '{CANARY}'}}",
        f"GET /reset-password?token={CANARY}&x=1",
        f"refresh_token={CANARY}",
        PEM,
        PEM[:-20],
    ],
)
def test_a_secret_is_known_by_its_shape(text: str) -> None:
    assert CANARY not in log.redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/v1/tokens/BTC/history?timeframe=7d",
        "postgresql://127.0.0.1:5433/coinsphere",
        "unknown token: PEPE",
        "https://example.org/a:b@c",
        "1 basic idea",
        "password too short",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert log.redact_text(text) == text


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "passwordHash", "apiKey", "api-key", "client_secret", "Authorization",
     "Set-Cookie", "access_token", "token", "credentials", "totp", "backupCodes", "private_key", "dsn"],
)  # fmt: skip
def test_a_secret_is_known_by_its_name(name: str) -> None:
    for value in (CANARY, [CANARY], {"x": CANARY}, CANARY.encode(), 123456):
        assert log.redact({"a": [{name: value}]}) == {"a": [{name: log.MASK}]}


@pytest.mark.parametrize(
    "name", ["token_id", "tokens", "tokenSymbol", "status_code", "seed", "keyboard"]
)
def test_a_name_that_only_looks_like_one_stays(name: str) -> None:
    assert log.redact({name: "BTC"}) == {name: "BTC"}


def test_nothing_is_too_deep_or_too_strange() -> None:
    deep: object = CANARY
    for _ in range(50):
        deep = {"x": [deep]}
    cycle: dict[str, object] = {}
    cycle["self"] = cycle
    strange = [
        deep,
        cycle,
        ValueError(f"password={CANARY}"),
        f"Bearer {CANARY}".encode(),
        {f"password={CANARY}"},
    ]
    assert CANARY not in str(log.redact(strange))


_PROGRAM = f"""
import logging
from coinsphere import log
log.configure("INFO")
ours, theirs = log.get("ours"), logging.getLogger("theirs")
ours.info("connecting to postgresql://u:{CANARY}@h/d", password="{CANARY}", nested={{"a": [{{"apiKey": "{CANARY}"}}]}})
ours.warning("user sent \\r\\nforged\\x1b[2J", name="\\nforged")
try:
    raise ValueError("Bearer {CANARY}\\nforged: yes")
except ValueError as error:
    ours.error("failed", exc_info=error)
    theirs.exception("failed with %s", "refresh_token={CANARY}")
theirs.warning("\\nforged %s", {{"secret": "{CANARY}"}})
"""
_TRIES_AGAIN = """
import urllib3
from coinsphere import log
log.configure("INFO")
try:
    urllib3.PoolManager().request("GET", "http://127.0.0.1:1/path?of=all", retries=urllib3.Retry(1, backoff_factor=0))
except urllib3.exceptions.MaxRetryError:
    log.get("ours").warning("did not answer")
"""


def test_a_process_logs_json_lines_without_secrets() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    assert CANARY not in done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["component"] for line in lines] == ["ours"] * 3 + ["theirs"] * 2
    assert lines[2]["exception"].startswith("Traceback")
    assert "forged: yes" in lines[2]["exception"]


def test_a_try_that_is_followed_by_another_is_told_by_nobody_with_its_whole_address() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TRIES_AGAIN], capture_output=True, text=True, check=True
    )
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["did not answer"]


def test_a_command_that_configures_nothing_logs_to_stderr_without_secrets() -> None:
    """Its stdout is its result, which a program reads."""
    program = _PROGRAM.replace('log.configure("INFO")\n', "print('{}')\n")
    assert program != _PROGRAM
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "{}\n"
    ours = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [line["level"] for line in ours] == ["info", "warning", "error"]
    assert CANARY not in json.dumps(ours)


def test_printable_text_is_on_one_line() -> None:
    assert log.printable("a\r\nb\x1b[0m\u202e\x85") == "a\\r\\nb\\x1b[0m\\u202e\\x85"
    assert log.printable("naïve ✓ 日本") == "naïve ✓ 日本"


_BREAKS = """
import logging, os, sys
from coinsphere import log
log.configure()
class Bad:
    def __repr__(self):
        raise RuntimeError("no text")
log.get("x").info("cannot be made", value=Bad())
os.close(0)
read, write = os.pipe()
os.dup2(write, 2)
os.close(write)
os.close(read)
for number in range(1_000):
    log.get("x").info("to nobody", text="a" * 100)
    logging.getLogger("library").error("to nobody", stack_info=True)
os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
for number in range(1_000):
    log.get("x").info("on a full disk", text="a" * 100)
print("still here", flush=True)
os._exit(0)
"""


def test_a_line_that_cannot_be_made_or_written_changes_nothing() -> None:
    """The pipe of a supervisor that was killed, a full disk, a value without a text."""
    done = subprocess.run(
        [sys.executable, "-c", _BREAKS], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "still here\n"), done.stderr
