"""`make images`: builds the images with buildah, says what they weigh, and starts what the image `web` is for, as its user.

No daemon and no engine is needed: a build and a run are a chroot. What such a run lacks is said by the deployment guide:
a root that is mounted read-only, dropped capabilities, a network of its own, Docker's health check.

`BASE` names another base than the Containerfile's; `BUILD_OPTIONS` is handed to `buildah build`, as for a registry of your own.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil

from bench.serving import ROOT, Serving, served
from tests.conftest import free_port

USER = 10001
ROLES = {"api": "/health/ready", "stream": "/health"}
_MARK = "MEASURED_START"
_UNWRITABLE = "! touch /src/x /opt/coinsphere/x /etc/x 2> /dev/null && id -u"


def main() -> None:
    """Build what is named, or `web`; print size and start of each role."""
    for target in sys.argv[1:] or ["web"]:
        image = f"localhost/coinsphere/{target}"
        build(image, target)
        print(f"{target}: {megabytes(image):.0f} MB")
    if not sys.argv[1:] or "web" in sys.argv[1:]:
        with served() as serving, container("localhost/coinsphere/web") as name:
            require_closed(name)
            for role in ROLES:
                seconds, cpu = start(name, role, serving)
                print(f"{role}: ready after {seconds:.1f} s, of which {cpu:.1f} s of CPU")


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
    size = str(listed[0]["size"]).replace("GB", "e3 MB").split()
    return float(size[0])


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
        "sh",
        "-c",
        _UNWRITABLE,
    ]
    said = _buildah(*command).split()
    if said != [str(USER)]:
        raise RuntimeError(f"the image lets its user write: {said}")


def start(name: str, role: str, serving: Serving) -> tuple[float, float]:
    """Seconds until a role is ready, and what its processes had computed by then."""
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, USER, USER)
        own = {"HOME": "/var/lib/coinsphere", "API_PORT": str(port), "STREAM_PORT": str(port)}
        given = {f"COINSPHERE_{key}": value for key, value in own.items()} | {_MARK: str(port)}
        for key in ("API_DATABASE_URL", "REDIS_URL"):
            given[f"COINSPHERE_{key}"] = serving.variables[f"COINSPHERE_{key}"]
        for key in ("METRICS_PORT", "STREAM_METRICS_PORT"):
            given[f"COINSPHERE_{key}"] = str(free_port())
        variables = [word for key, value in given.items() for word in ("--env", f"{key}={value}")]
        command = ["buildah", "run", "--isolation", "chroot", "--user", f"{USER}:{USER}", "--volume",
                   f"{home}:/var/lib/coinsphere", *variables, name, "coinsphere", "run", role]  # fmt: skip
        began = time.monotonic()
        with subprocess.Popen(command) as process:
            try:
                _wait(f"http://127.0.0.1:{port}{ROLES[role]}", process)
                times = [each.cpu_times() for each in _inside(port)]
                return time.monotonic() - began, sum(each.user + each.system for each in times)
            finally:
                for each in _inside(port):
                    each.terminate()


def _inside(port: int) -> list[psutil.Process]:
    """The processes of one start: they bear its mark, whoever their parent is."""
    found = []
    for each in psutil.process_iter():
        try:
            if each.environ().get(_MARK) == str(port) and each.uids().real == USER:
                found.append(each)
        except psutil.Error:
            continue
    return found


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            if httpx2.get(url, timeout=2).status_code == httpx2.codes.OK:
                return
        except httpx2.HTTPError:
            pass
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
