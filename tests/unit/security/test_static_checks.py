"""The scripts that look for secrets and for known vulnerabilities find what was planted."""

import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


def script(name: str) -> ModuleType:
    """The script as its command sees it: modules beside it can be imported."""
    sys.path.insert(0, str(ROOT / ".ci"))
    try:
        return _loaded(name)
    finally:
        sys.path.remove(str(ROOT / ".ci"))


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True)


# Put together here, so that this file holds none.
PLANTED = {
    "an AWS key": "AKIA" + "Z7Q2M4X9T1L5R8W3",
    "a GitHub token": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a password in a URL": "postgresql://coinsphere:" + "s9dk2mWq@db.internal/x",
}


@pytest.mark.parametrize("what", PLANTED)
@pytest.mark.parametrize("where", ["tree", "history"])
def test_a_planted_secret_is_found_and_not_shown(
    what: str, where: str, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "config.py").write_text(f'value = "{PLANTED[what]}"\n')
    if where == "history":
        git(repository, "add", ".")
        git(repository, "commit", "--quiet", "-m", "Add it")
        git(repository, "rm", "--quiet", "config.py")
        git(repository, "commit", "--quiet", "-m", "Remove it")
    else:
        git(repository, "commit", "--quiet", "--allow-empty", "-m", "Begin")
    assert script("secret_scan").main(repository) == 1
    output = capsys.readouterr().out
    assert output.startswith("config.py line 1" if where == "tree" else "config.py in ")
    assert PLANTED[what] not in output


def test_a_clean_repository_passes(repository: Path) -> None:
    (repository / "config.py").write_text(
        'url = "https://example.org/?q=1"\nsha = "5e884898da280471"\n'
    )
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Begin")
    assert script("secret_scan").main(repository) == 0


@pytest.mark.parametrize(("ci", "status"), [(None, 0), ("true", 3)])
def test_a_history_that_cannot_be_seen_is_no_clean_one(
    ci: str | None,
    status: int,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("CI", raising=False)
    if ci:
        monkeypatch.setenv("CI", ci)
    for message in ("Begin", "Go on"):
        git(repository, "commit", "--quiet", "--allow-empty", "-m", message)
    shallow = repository / "shallow"
    git(repository, "clone", "--quiet", "--depth", "1", f"file://{repository}", str(shallow))
    assert script("secret_scan").main(shallow) == status
    assert "HISTORY WAS NOT SCANNED" in capsys.readouterr().out
    (unpacked := repository / "unpacked").mkdir()
    assert script("secret_scan").main(unpacked) == status
    assert "NOTHING WAS SCANNED" in capsys.readouterr().out
    assert script("secret_scan").main(repository) == 0


def test_every_exception_says_why() -> None:
    lines = (ROOT / ".ci" / "no_secrets.txt").read_text().splitlines()
    assert all(line.startswith("#") or len(line.split(maxsplit=2)) == 3 for line in lines if line)


class _Advisories(BaseHTTPRequestHandler):
    """Speaks OSV: one package is vulnerable."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = {
            "id": "PYSEC-2026-1",
            "summary": "planted",
            "affected": [
                {
                    "package": {"name": "vulnerable", "ecosystem": "PyPI"},
                    "ranges": [
                        {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}
                    ],
                }
            ],
        }
        bad = asked["package"]["name"] == "vulnerable" and asked["version"] == "1.0"
        body = json.dumps({"vulns": [fault]} if bad else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def advisories() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Advisories)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()
    thread.join()


def audited(lock: Path, content: str, url: str, cache: Path) -> int:
    lock.write_text(content)
    more = ["--vulnerability-service", "osv", "--osv-url", url, "--cache-dir", str(cache)]
    return int(script("audit").main(lock, more))


def test_a_planted_vulnerable_pin_fails(
    advisories: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "requirements.lock"
    assert audited(lock, "vulnerable==1.0\nsound==1.0\n", advisories, tmp_path / "cache") == 1
    assert "vulnerable 1.0: PYSEC-2026-1, fixed in 2.0" in capsys.readouterr().out
    assert audited(lock, "vulnerable==2.0\nsound==1.0\n", advisories, tmp_path / "cache") == 0
    assert "2 packages audited" in capsys.readouterr().out


UNKNOWN = {"name": "sound", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("ci", "allowed", "status"),
    [
        (None, None, 0),
        ("", None, 0),
        ("0", None, 0),
        ("false", None, 0),
        ("true", None, 3),
        ("1", "", 3),
        ("1", "0", 3),
        ("1", "1", 0),
    ],
)
def test_where_nothing_was_audited_that_is_said_and_is_red_in_ci(
    ci: str | None,
    allowed: str | None,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in (("CI", ci), ("AUDIT_MAY_BE_AWAY", allowed)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    for packages in ([UNKNOWN], []):
        assert script("audit").judge(packages) == status
        said = capsys.readouterr().out
        assert "NOTHING WAS AUDITED" in said
        assert ("failure" in said) == (status == 3)


@pytest.mark.parametrize(("ci", "status"), [(None, 0), ("true", 3)])
def test_without_the_service_nothing_is_claimed(
    ci: str | None,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("AUDIT_MAY_BE_AWAY", raising=False)
    if ci:
        monkeypatch.setenv("CI", ci)
    lock = tmp_path / "requirements.lock"
    assert audited(lock, "sound==1.0\n", "http://127.0.0.1:9/", tmp_path / "cache") == status
    assert "NOTHING WAS AUDITED" in capsys.readouterr().out


def test_a_vulnerable_package_is_red_though_others_are_unknown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", "true")
    known = {"name": "known", "version": "1.0", "vulns": []}
    assert script("audit").judge([known, UNKNOWN]) == 0
    assert "not audited: sound: not found" in capsys.readouterr().out
    fault = {"id": "PYSEC-1", "fix_versions": []}
    assert script("audit").judge([known | {"vulns": [fault]}, UNKNOWN]) == 1


def test_a_lock_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    assert script("audit").main(tmp_path / "missing", []) == 2


UNSTEADY = """
from pathlib import Path

def test_by_chance():
    seen = Path("seen")
    first = not seen.exists()
    seen.touch()
    assert not first

def test_steady():
    Path("steady").write_text(Path("steady").read_text() + "x" if Path("steady").exists() else "x")
"""


def again(folder: Path, tests: str) -> subprocess.CompletedProcess[str]:
    """What is said of `tests` by a run of them as CI does it."""
    (folder / "test_these.py").write_text(tests)
    return subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "twice.py"), "-q"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_what_failed_by_chance_is_asked_once_more_and_nothing_else(tmp_path: Path) -> None:
    done = again(tmp_path, UNSTEADY)
    assert done.returncode == 0, done.stdout
    assert "test_these.py::test_by_chance" in done.stdout
    assert "1 passed" in done.stdout
    assert (tmp_path / "steady").read_text() == "x"


@pytest.mark.parametrize(
    "tests",
    [
        UNSTEADY + "\ndef test_never():\n    assert False\n",
        "import pytest\n@pytest.mark.parametrize('n', range(11))\ndef test_all(n):\n    assert False\n",
        "raise SystemExit(3)\n",
        UNSTEADY + "\ndef test_ends_the_run():\n    raise KeyboardInterrupt\n",
    ],
)
def test_a_fault_fails_again(tmp_path: Path, tests: str) -> None:
    assert again(tmp_path, tests).returncode != 0
