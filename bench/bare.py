"""A bare Flask app that answers every address with the bytes of one file: the floor beside which `bench.hot` measures."""

import os
from pathlib import Path

from flask import Flask, Response

app = Flask(__name__)
_BODY = Path(os.environ["BENCH_BODY"]).read_bytes()


@app.get("/<path:_>")
def _answer(_: str) -> Response:
    return Response(_BODY, mimetype="application/json")
