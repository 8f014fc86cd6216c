"""Processes taken apart as containers run them: each by `coinsphere run`, with its own variables, behind Caddy."""

import os
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

ROOT = Path(__file__).resolve().parents[3]
CADDYFILE = ROOT / "deploy" / "compose" / "Caddyfile"
BIN = Path(sys.executable).parent
FRONT = [str(BIN / "caddy"), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
PASSWORD = "correct horse battery staple 7"


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (httpx2.HTTPError, OSError):
            pass
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen")


@dataclass
class System:
    """Processes with nothing in common but servers and keys, and the front."""

    folder: Path
    variables: dict[str, dict[str, str]]
    http_port: int
    https_port: int
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def authority(self) -> Path:
        return self.folder / "caddy" / "caddy" / "pki" / "authorities" / "local" / "root.crt"

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, verify=self.tls(), timeout=60, trust_env=False)

    @contextmanager
    def process(self, name: str, command: list[str]) -> Iterator[None]:
        with (
            (self.folder / f"{name}.log").open("ab") as log,
            subprocess.Popen(
                command, cwd=ROOT, env=self.variables[name], stdout=log, stderr=log
            ) as process,
        ):
            self.running[name] = process
            try:
                yield
            finally:
                process.terminate()


def command(name: str) -> list[str]:
    return [str(BIN / "coinsphere"), "run", name]


def variables(folder: Path, database, redis_url: str, ports: Mapping[str, int]) -> dict:
    """What each process is given, and nothing else: the API never sees another role's password."""
    common = {
        "PATH": os.environ["PATH"],
        "COINSPHERE_REDIS_URL": redis_url,
        "COINSPHERE_JWT_KEYS_DIR": str(folder / "keys"),
        "COINSPHERE_TRUSTED_PROXIES": "1",
        "COINSPHERE_API_PORT": str(ports["api"]),
        "COINSPHERE_STREAM_PORT": str(ports["stream"]),
        "COINSPHERE_METRICS_PORT": str(ports["metrics"]),
    }
    own = {
        "api": {"COINSPHERE_API_DATABASE_URL": database.api, "COINSPHERE_API_WORKERS": "1"},
        "stream": {"COINSPHERE_API_DATABASE_URL": database.api},
        "worker": {"COINSPHERE_WORKER_DATABASE_URL": database.worker},
    }
    found = {
        name: {**common, **more, "COINSPHERE_HOME": str(folder / name)}
        for name, more in own.items()
    }
    found["caddy"] = {
        "PATH": os.environ["PATH"],
        "XDG_DATA_HOME": str(folder / "caddy"),
        "XDG_CONFIG_HOME": str(folder / "caddy"),
        "COINSPHERE_SITE": "localhost",
        "COINSPHERE_HTTP_PORT": str(ports["http"]),
        "COINSPHERE_HTTPS_PORT": str(ports["https"]),
        "COINSPHERE_API_UPSTREAM": f"127.0.0.1:{ports['api']}",
        "COINSPHERE_STREAM_UPSTREAM": f"127.0.0.1:{ports['stream']}",
    }
    return found
