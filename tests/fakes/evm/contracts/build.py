"""Compiles the contracts beside it into `artifacts.json`: `python build.py VYPER`, with the path of Vyper's command.

Vyper (0.4.3) is no dependency of ours, as it wants an older cbor2 than the rest: install it into an environment of its
own. A test holds that the sources are those that were compiled.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(vyper: str) -> None:
    artifacts = {}
    for source in sorted(HERE.glob("*.vy")):
        command = [vyper, "-f", "abi,bytecode_runtime", str(source)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        abi, runtime = filter(None, told.splitlines())
        artifacts[source.stem] = {
            "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
            "abi": json.loads(abi),
            "runtime": runtime,
        }
    text = json.dumps(artifacts, indent=1, sort_keys=True)
    (HERE / "artifacts.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
