"""`make images`: builds the images with buildah, says what they weigh, and starts each process in its image, as its user.

No daemon and no engine is needed: a build and a run are a chroot. What such a run lacks is said by the deployment guide:
a root that is mounted read-only, dropped capabilities, a network of its own, Docker's health check.

`BASE` names another base than the Containerfile's; `BUILD_OPTIONS` is handed to `buildah build`, as for a registry of your own.
"""

import json
import math
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import psycopg

from bench.image_walk import walk
from bench.serving import ROOT, Serving, served
from coinsphere.local.state import ROLE_SETTINGS, State, database_of
from tests.conftest import free_port

USER = 10001
IMAGES = ("web", "worker", "pipeline", "backup")
MOST_MEGABYTES = {"web": 300}
"""More than an image may weigh unpacked; docs/adr/0395 says what weighs."""


Given = Mapping[str, str]
"""Settings of the processes of an image, by their names without prefix."""


@dataclass(frozen=True, slots=True)
class Role:
    """A process of an image, and what tells that it is ready from its settings and its home."""

    image: str
    is_ready: Callable[[Given, Path], bool]


def _answers(port: str, path: str = "/metrics") -> Callable[[Given, Path], bool]:
    return lambda given, _: (
        httpx2.get(
            f"http://127.0.0.1:{given[port]}{path}",
            headers={"Authorization": f"Bearer {given['SERVICE_TOKEN']}"},
            timeout=2,
        ).is_success
    )


def _beats(given: Given, _: Path) -> bool:
    with psycopg.connect(given["DAGSTER_DATABASE_URL"]) as conn:
        return conn.execute("select from daemon_heartbeats limit 1").fetchone() is not None


ROLES = {
    "api": Role("web", _answers("API_PORT", "/health/ready")),
    "stream": Role("web", _answers("STREAM_PORT", "/health")),
    "worker": Role("worker", _answers("WORKER_METRICS_PORT")),
    "feed": Role("worker", _answers("FEED_METRICS_PORT")),
    "mlflow": Role("pipeline", _answers("MLFLOW_PORT", "/health")),
    "ml": Role("pipeline", _answers("ML_PORT", "/health")),
    "dagster-code": Role("pipeline", lambda _, home: State(home).code_socket.exists()),
    "dagster-webserver": Role("pipeline", _answers("DAGSTER_PORT", "/server_info")),
    "dagster-daemon": Role("pipeline", _beats),
    "backup": Role("backup", _answers("BACKUP_METRICS_PORT")),
}
_PORTS = ("API", "STREAM", "MLFLOW", "ML", "DAGSTER")
_FIGURES = ("", "STREAM_", "WORKER_", "FEED_", "MLFLOW_", "ML_", "DAGSTER_", "BACKUP_")
_MARK = "MEASURED_START"
_WRITABLE = """
import os
print(os.getuid(), *(each for each in ("/src", "/opt/coinsphere", "/etc", "/usr/bin") if os.access(each, os.W_OK)))
"""
"""In Python, as the image `web` has no shell."""


def main() -> None:
    """Build what is named, or all; print sizes, and the start of each process."""
    chosen = sys.argv[1:] or IMAGES
    for target in chosen:
        image = f"localhost/coinsphere/{target}"
        build(image, target)
        weight = megabytes(image)
        print(
            f"{target}: {weight:.0f} MB, {moved(image):.0f} MB as a registry moves it", flush=True
        )
        if weight > MOST_MEGABYTES.get(target, math.inf):
            raise RuntimeError(f"{target} weighs more than {MOST_MEGABYTES[target]} MB")
    with served() as serving:
        for target in chosen:
            with container(f"localhost/coinsphere/{target}") as name, homes() as home:
                require_closed(name)
                _start_all(name, target, serving, home)


def _start_all(name: str, target: str, serving: Serving, home: Path) -> None:
    """Start the processes of an image, each beside those before it."""
    given = _settings(serving)
    with ExitStack() as stack:
        for role in (each for each, role in ROLES.items() if role.image == target):
            seconds, cpu = stack.enter_context(started(name, role, given, home))
            print(f"{role}: ready after {seconds:.2f} s, of which {cpu:.1f} s of CPU", flush=True)
        if target == "web":
            answers = walk(f"http://127.0.0.1:{given['API_PORT']}", serving.superuser_url)
            print(f"api: walked, {answers} answers", flush=True)


def build(image: str, target: str) -> None:
    """One target of the Containerfile. Docker's format, as the other one has no health check."""
    options = shlex.split(os.environ.get("BUILD_OPTIONS", ""))
    if base := os.environ.get("BASE"):
        options += ["--build-arg", f"BASE={base}"]
    _buildah("build", "--isolation", "chroot", "--format", "docker", "--layers", "--target", target, "--tag", image,
             *options, "--file", "deploy/images/Containerfile", ".")  # fmt: skip


def megabytes(image: str) -> float:
    """Of all its layers."""
    listed = json.loads(_buildah("images", "--json", image))
    size = str(listed[0]["size"]).replace(" GB", "e3 MB").split()
    return float(size[0])


def moved(image: str) -> float:
    """Megabytes of its layers, compressed by zstd."""
    with tempfile.TemporaryDirectory() as folder:
        _buildah("push", "--quiet", "--compression-format", "zstd", image, f"oci:{folder}:it")
        return sum(each.stat().st_size for each in Path(folder).rglob("*") if each.is_file()) / 1e6


@contextmanager
def homes() -> Iterator[Path]:
    """A state folder that the processes of an image share, owned by their user."""
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, USER, USER)
        yield Path(folder)


@contextmanager
def container(image: str) -> Iterator[str]:
    """A container of it, removed afterwards."""
    name = _buildah("from", image).strip()
    try:
        yield name
    finally:
        _buildah("rm", name)


def require_closed(name: str) -> None:
    """Who runs there is nobody's account, and can write none of its files."""
    command = [
        "run",
        "--isolation",
        "chroot",
        "--user",
        f"{USER}:{USER}",
        name,
        "python",
        "-c",
        _WRITABLE,
    ]
    said = _buildah(*command).split()
    if said != [str(USER)]:
        raise RuntimeError(f"the image lets its user write: {said}")


@contextmanager
def started(name: str, role: str, given: Given, home: Path) -> Iterator[tuple[float, float]]:
    """A process that runs: seconds until it was ready, and what it and its children had computed by then."""
    mark = f"{role} {time.time_ns()}"
    variables = [f"--env=COINSPHERE_{key}={value}" for key, value in given.items()]
    command = ["buildah", "run", "--isolation", "chroot", "--user", f"{USER}:{USER}", "--volume",
               f"{home}:/var/lib/coinsphere", f"--env={_MARK}={mark}", *variables, name, "coinsphere", "run", role]  # fmt: skip
    began = time.monotonic()
    with subprocess.Popen(command) as process:
        try:
            _wait(ROLES[role], given, home, process)
            times = [each.cpu_times() for each in _inside(mark)]
            yield time.monotonic() - began, sum(each.user + each.system for each in times)
        finally:
            for each in _inside(mark):
                each.terminate()


def _settings(serving: Serving) -> dict[str, str]:
    """Of any process: a way to the servers in each role, ports of its own, and folders in its home."""
    roles = {
        field.upper(): serving.server.url(role, database_of(role))
        for field, role in ROLE_SETTINGS.items()
    }
    settings = [f"{each}_PORT" for each in _PORTS] + [f"{each}METRICS_PORT" for each in _FIGURES]
    return {
        **roles,
        **{each: str(free_port()) for each in settings},
        "HOME": "/var/lib/coinsphere",
        "REDIS_URL": serving.variables["COINSPHERE_REDIS_URL"],
        "SERVICE_TOKEN": "a token of thirty-two characters",
        "BACKUP_PLACES": "/var/lib/coinsphere/backups",
    }


def _inside(mark: str) -> list[psutil.Process]:
    """The processes of one start: they bear its mark, whoever their parent is."""
    found = []
    for each in psutil.process_iter():
        try:
            if each.environ().get(_MARK) == mark and each.uids().real == USER:
                found.append(each)
        except psutil.Error:
            continue
    return found


def _wait(role: Role, given: Given, home: Path, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with suppress(httpx2.HTTPError, psycopg.Error):
            if role.is_ready(given, home):
                return
        time.sleep(0.05)
    raise RuntimeError("it ended instead; see above")


def _buildah(*arguments: str) -> str:
    done = subprocess.run(
        ["buildah", *arguments], cwd=Path(ROOT), stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"buildah {arguments[0]} failed; see above")
    return done.stdout


if __name__ == "__main__":
    main()
