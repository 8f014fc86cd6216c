"""Great Expectations' own pages of what suites found (Data Docs): the newest result of each, in one folder."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expectations import standalone_pages

_KEPT = "gx/uncommitted"
_SITE = f"{_KEPT}/data_docs/local_site"
_RESULTS = f"{_KEPT}/validations"


@dataclass(frozen=True, slots=True)
class Site:
    """Where the pages are, and of which suite this result is."""

    folder: Path
    suite: str

    @property
    def pages(self) -> Path:
        """The folder that has `index.html`."""
        return pages(self.folder)


def pages(folder: Path) -> Path:
    """Where the pages of a site lie."""
    return folder / _SITE


@contextmanager
def opened(site: Site) -> Iterator[Any]:
    """A context of Great Expectations that keeps results; at its end the pages are built anew. One process at a time."""
    import great_expectations as gx  # noqa: PLC0415 - takes 4 to 7 s

    site.folder.mkdir(parents=True, exist_ok=True)
    with (site.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # The newest alone: a result names every row that broke a rule.
        for kept in (_RESULTS, f"{_SITE}/validations"):
            shutil.rmtree(site.folder / kept / site.suite, ignore_errors=True)
        context = gx.get_context(mode="file", project_root_dir=site.folder)
        yield context
        context.build_data_docs()
        standalone_pages.finish(site.pages, site.folder / _RESULTS)
