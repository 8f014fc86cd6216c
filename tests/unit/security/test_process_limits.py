"""What a process imports leaves the limits of the process as the interpreter set them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

SCRIPT = """
import decimal, gc, importlib, locale, os, pkgutil, resource, signal, socket, sys, threading

def limits():
    return {
        "recursion": sys.getrecursionlimit(),
        "digits": sys.get_int_max_str_digits(),
        "switch interval": sys.getswitchinterval(),
        "decimal": [str(decimal.getcontext()), str(decimal.DefaultContext)],
        "locale": locale.setlocale(locale.LC_ALL),
        "signals": {n: signal.getsignal(n) for n in signal.valid_signals() - {9, 19}},
        "socket timeout": socket.getdefaulttimeout(),
        "resources": [resource.getrlimit(each) for each in range(16)],
        "stack": threading.stack_size(),
        "hooks": [sys.excepthook, sys.unraisablehook, threading.excepthook],
        "garbage": [gc.isenabled(), gc.get_threshold()],
        "folder": os.getcwd(),
    }

before = limits()
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    for each in pkgutil.walk_packages(getattr(module, "__path__", []), name + "."):
        if not each.name.endswith(("__main__", "wsgi", "gunicorn.conf")):
            importlib.import_module(each.name)
after = limits()
changed = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
sys.exit(f"changed by an import: {changed}" if changed else 0)
"""


# A package stands for all its modules: those that a function imports, when it first needs them, are among them.
@pytest.mark.parametrize(
    "modules",
    [
        ("webapi",),
        ("coinsphere",),
        ("coinsphere.stream",),
        ("ml",),
        ("orchestration", "expectations"),
    ],
    ids="-".join,
)
def test_no_import_moves_a_limit_of_the_process(modules: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, *modules],
        cwd=ROOT,
        env={**os.environ, "COINSPHERE_CELERY_BROKER_URL": "redis://127.0.0.1:1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
