"""Data Docs that need no network: Great Expectations' pages load styles and scripts from elsewhere, and fill their index by these.

Scripts and everything of another host are taken out, a style sheet of ours is put in, and the index is a page of ours.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Self

import jinja2

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"
"""What a browser may load for such a page: nothing but its own pictures; no script runs."""

_SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
_ELSEWHERE = re.compile(r"<(?:link|img)\b[^>]*?https?://[^>]*>")
_FOOTER = re.compile(r"<footer>.*?</footer>", re.DOTALL)
_PICTURE = re.compile(r"url\(['\"]?https?:[^)]*\)")
_HANDLER = re.compile(r"\son[a-z]+=\"[^\"]*\"")


@dataclass(frozen=True, slots=True)
class Result:
    """The newest result of a suite, as the index lists it."""

    suite: str
    at: str
    is_good: bool
    rules: int
    broken: tuple[str, ...]
    page: str

    @classmethod
    def read(cls, file: Path, results: Path) -> Self:
        """Of Great Expectations' file of a result, which lies in `results` as its page does among the pages."""
        validation: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return cls(
            suite=validation["suite_name"],
            at=str(validation["meta"]["run_id"]["run_time"])[:16].replace("T", " "),
            is_good=bool(validation["success"]),
            rules=len(validation["results"]),
            broken=tuple(_name(each) for each in validation["results"] if not each["success"]),
            page=f"validations/{file.relative_to(results).with_suffix('.html').as_posix()}",
        )


def finish(pages: Path, results: Path) -> None:
    """Make built pages stand alone; those that do already stay as they are.

    Args:
        pages: the folder of `index.html`.
        results: where Great Expectations keeps the results that the pages show.
    """
    style = _ours("data_docs.css")
    for page in pages.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(standing_alone(text, style), encoding="utf-8")
    (pages / "index.html").write_text(_index(list(_results(results)), style), encoding="utf-8")


def standing_alone(page: str, style: str) -> str:
    """A page without scripts and without what lies elsewhere, in our style; the same where it was one already."""
    bare = _PICTURE.sub("none", page)
    for unwanted in (_SCRIPT, _ELSEWHERE, _FOOTER, _HANDLER):
        bare = unwanted.sub("", bare)
    sheet = f'<style id="ours">{style}</style>\n  </head>'
    return bare if '<style id="ours">' in bare else bare.replace("</head>", sheet, 1)


def _index(results: list[Result], style: str) -> str:
    template = jinja2.Environment(autoescape=True).from_string(_ours("data_docs.html"))
    return template.render(results=results, style=style)


def _results(folder: Path) -> Iterator[Result]:
    """Of each suite one; those that broke a rule come first."""
    results = [Result.read(file, folder) for file in folder.rglob("*.json")]
    yield from sorted(results, key=lambda each: (each.is_good, each.suite))


def _name(result: dict[str, Any]) -> str:
    configuration = result["expectation_config"]
    return str(configuration.get("meta", {}).get("name") or configuration["type"])


def _ours(name: str) -> str:
    return (resources.files("expectations") / name).read_text(encoding="utf-8")
