"""Failures with an account at an exchange. Messages are meant for its owner and hold no secret."""

from coinsphere.errors import CoinsphereError, ProviderError, Unavailable


class KeyRefused(ProviderError):
    """The exchange does not accept the key: wrong, deleted, expired, or not from this address. Nothing is tried again."""


class KeyTooPowerful(CoinsphereError):
    """A key with permissions that are refused: it can withdraw or transfer, or trade without the user's consent."""

    def __init__(self, message: str, *, can_withdraw: bool) -> None:
        super().__init__(message)
        self.can_withdraw = can_withdraw


class CircuitOpen(Unavailable):
    """An exchange failed several times in a row and is left alone for a while."""


class Busy(CoinsphereError):
    """Another process works with the same key; try later."""


class PermissionMissing(KeyRefused):
    """The exchange knows the key, but does not permit it the call."""


class Disconnected(CoinsphereError):
    """The connection that is being read was deleted, stopped or moved meanwhile; nothing more is stored."""
