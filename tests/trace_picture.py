"""Draws a trace as it comes: `python -m tests.trace_picture 4318 'POST /api/v1/transactions' FILE.svg`.

A stand-in for Jaeger, which is in no registry that tests may use: it is the collector at that port, waits for a trace whose
first span is named so and which goes on in another process, and draws what each process did, in the order in which it began.
"""

import sys
import time
from collections.abc import Iterator
from html import escape
from pathlib import Path

from tests.fakes.collector import Collector, Seen, collector

_QUIET_SECONDS = 10
"""Longer than the time for which a process gathers spans before it tells them."""
_ROW, _WIDTH, _NAMES = 16, 1000, 620
"""Pixels: the height of a line, the whole width, and what of it the names of spans have."""
_COLOURS = ("#2a6f97", "#bc6c25", "#588157", "#7b2cbf")
_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">'
    '<rect width="100%" height="100%" fill="#ffffff"/>'
)


def draw(told: Collector, trace: str) -> str:
    """The trace as SVG: a block for each process, of its own scale, as a job may wait long behind the answer."""
    spans = sorted(told.of(trace), key=lambda each: each.began)
    lines, row = [], 1
    for colour, process in zip(
        _COLOURS, dict.fromkeys(each.process for each in spans), strict=False
    ):
        own = [each for each in spans if each.process == process]
        wait = (own[0].began - spans[0].began) / 1e6
        lines.append(_text(8, row, f"{process}, {wait:.0f} ms after the request came", "bold"))
        lines.extend(_spans(told, own, row + 1, colour))
        row += len(own) + 2
    return "\n".join([_HEAD.format(width=_WIDTH, height=row * _ROW), *lines, "</svg>\n"])


def _spans(told: Collector, own: list[Seen], row: int, colour: str) -> Iterator[str]:
    begins, ends = own[0].began, max(each.ended for each in own)
    scale = (_WIDTH - _NAMES - 16) / (ends - begins)
    for at, each in enumerate(own, row):
        x, width = _NAMES + (each.began - begins) * scale, (each.ended - each.began) * scale
        yield f'<rect x="{x:.1f}" y="{at * _ROW - 10}" width="{max(width, 1):.1f}" height="12" fill="{colour}"/>'
        yield _text(8 + 14 * len(told.above(each)), at, each.name)
        yield _text(_NAMES - 8, at, f"{(each.ended - each.began) / 1e6:.2f} ms", anchor="end")


def _text(x: int, row: int, text: str, weight: str = "normal", anchor: str = "start") -> str:
    return f'<text x="{x}" y="{row * _ROW}" font-weight="{weight}" text-anchor="{anchor}">{escape(text)}</text>'


def _await(told: Collector, operation: str) -> str:
    """The first trace of that operation that another process goes on with, once nothing more is told of it."""
    while True:
        for first in [each for each in told.named(operation) if not each.parent]:
            if len({each.process for each in told.of(first.trace)}) > 1:
                _await_quiet(told, first.trace)
                return first.trace
        time.sleep(0.5)


def _await_quiet(told: Collector, trace: str) -> None:
    known = -1
    while known < (known := len(told.of(trace))):
        time.sleep(_QUIET_SECONDS)


if __name__ == "__main__":
    with collector(port=int(sys.argv[1])) as spans_told:
        picture = draw(spans_told, _await(spans_told, sys.argv[2]))
    Path(sys.argv[3]).write_text(picture)
