"""`coinsphere ml`."""

from ml.cli.commands import register

__all__ = ["register"]
