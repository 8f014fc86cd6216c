"""The API that counts nothing for Prometheus, for `bench.observing` to compare with: `bench.uncounted:app`."""

from typing import Any

from webapi.observability import metrics


class _Nothing:
    """Takes what a counter takes."""

    def inc(self, _amount: float = 1) -> None:
        pass

    def observe(self, _amount: float) -> None:
        pass


_NOTHING: Any = _Nothing()
metrics.of_request = lambda *_: (_NOTHING, _NOTHING)  # type: ignore[assignment]
metrics.of_page = lambda *_: _NOTHING  # type: ignore[assignment]

from webui.wsgi import app  # noqa: E402, F401 - after what it would have imported was replaced
