"""Merges the logs of all processes in the order of time, and filters them by instant, level and request.

Our own lines are JSON. Those of PostgreSQL, Redis, Dagster, gunicorn and supervisord begin with their instant, in UTC; a
line without one goes on with what the line before said.
"""

import heapq
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

LEVELS = ("debug", "info", "warning", "error", "critical")
_WORDS = {
    "log": "info",
    "statement": "info",
    "detail": "info",
    "hint": "info",
    "notice": "info",
    "info": "info",
    "warn": "warning",
    "warning": "warning",
    "crit": "critical",
    "error": "error",
    "critical": "critical",
    "fatal": "error",
    "panic": "critical",
    "debug": "debug",
}
_INSTANT = re.compile(r"\[?(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,](\d{1,6}))?")
_REDIS = re.compile(r"\d+:[A-Z] (\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d)\.\d{3} ([.\-*#])")
_OF_REDIS = {".": "debug", "-": "info", "*": "info", "#": "warning"}
_WORD = re.compile(r"\b(" + "|".join(_WORDS) + r")\b[:\] ]?", re.IGNORECASE)
_HEAD = 80
"""A level stands near the beginning of a line; further on it is a word as any other."""
_SPAN = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a log, often one line; `at` is that of the entry before where it has none itself."""

    at: datetime
    process: str
    level: str
    request_id: str | None
    text: str


@dataclass(frozen=True, slots=True)
class LineFilter:
    """A filter of log lines; None means any."""

    since: datetime | None = None
    level: str | None = None
    request_id: str | None = None

    def holds(self, line: Line) -> bool:
        """Whether a line passes the filter."""
        if self.since is not None and line.at < self.since:
            return False
        if self.level is not None and LEVELS.index(line.level) < LEVELS.index(self.level):
            return False
        return self.request_id is None or line.request_id == self.request_id


def instant(text: str, now: datetime) -> datetime:
    """Parses an instant: ISO 8601, in UTC without a zone, or an age such as `90s`, `15m`, `2h`, `3d`.

    Raises:
        ValueError: it is neither.
    """
    if span := _SPAN.fullmatch(text):
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def of_files(paths: Iterable[Path], wanted: LineFilter) -> Iterator[Line]:
    """The lines that pass the filter, the oldest first; `NAME.log.1` comes before `NAME.log`."""
    by_process: dict[str, list[Path]] = {}
    # `worker.log.2` is older than `worker.log.1`, and that than `worker.log`.
    for path in sorted(paths, key=lambda each: each.name, reverse=True):
        by_process.setdefault(path.name.partition(".log")[0], []).append(path)
    logs = [_read(process, files) for process, files in sorted(by_process.items())]
    merged = heapq.merge(*logs, key=lambda line: line.at)
    return (line for line in merged if wanted.holds(line))


def parsed(process: str, texts: Iterable[str]) -> Iterator[Line]:
    """The entries of a process's log; a line that begins no entry belongs to the one before."""
    line: Line | None = None
    for text in texts:
        begun = _begun(process, text, line.at if line else _NEVER)
        if begun is None and line is not None:
            line = Line(line.at, process, line.level, line.request_id, f"{line.text}\n{text}")
            continue
        if line is not None:
            yield line
        line = begun or Line(_NEVER, process, "info", None, text)
    if line is not None:
        yield line


def _read(process: str, files: Iterable[Path]) -> Iterator[Line]:
    return parsed(process, (text for path in files for text in _lines(path)))


def _lines(path: Path) -> Iterator[str]:
    with path.open(errors="replace") as file:
        for text in file:
            yield text.rstrip("\n")


def _begun(process: str, text: str, before: datetime) -> Line | None:
    if text.startswith("{"):
        return _of_json(process, text, before)
    if match := _REDIS.match(text):
        at = datetime.strptime(match[1], "%d %b %Y %H:%M:%S").replace(tzinfo=UTC)
        return Line(at, process, _OF_REDIS[match[2]], None, text)
    if match := _INSTANT.match(text):
        micros = (match[3] or "").ljust(6, "0")
        at = datetime.fromisoformat(f"{match[1]}T{match[2]}.{micros}+00:00")
        word = _WORD.search(text, match.end(), match.end() + _HEAD)
        return Line(at, process, _WORDS[word[1].lower()] if word else "info", None, text)
    return None


def _of_json(process: str, text: str, before: datetime) -> Line | None:
    try:
        fields: Any = json.loads(text)
        at = datetime.fromisoformat(fields["timestamp"]) if "timestamp" in fields else before
        level = _WORDS.get(str(fields.get("level", "info")).lower(), "info")
        return Line(at, process, level, fields.get("request_id"), text)
    except (ValueError, TypeError):
        return None
