"""gunicorn's settings, read once: its own class looks each one up by two calls, 25 times a request."""

from typing import Any


class FixedSettings:
    """Stands in for gunicorn's `Config` in a worker, where no setting changes any more.

    Args:
        config: gunicorn's; what it works out from several settings is still asked of it.
    """

    def __init__(self, config: Any) -> None:
        self._config = config
        plain = {name: each.get() for name, each in config.settings.items()}
        worked_out = dir(type(config))
        self.__dict__.update({name: plain[name] for name in plain.keys() - worked_out})
        self.is_ssl = config.is_ssl

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config, name)
