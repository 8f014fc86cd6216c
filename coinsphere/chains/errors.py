"""Reasons to refuse a wallet before anything is asked or stored. No message ever repeats the input.

::

    CoinsphereError
    └── WalletRefused
        ├── AddressRefused      it is no address of that chain
        ├── SecretRefused       it looks like a seed phrase or a private key
        └── OwnershipRefused    the signed message proves nothing
"""

from coinsphere.errors import CoinsphereError


class WalletRefused(CoinsphereError):
    """A wallet cannot be connected; the message says why, without the input."""


class AddressRefused(WalletRefused):
    """The text is no address of that chain."""


class SecretRefused(WalletRefused):
    """The text looks like a seed phrase or a private key, which must never leave the wallet."""

    def __init__(self) -> None:
        super().__init__(
            "this looks like a seed phrase or a private key: never give it to anybody, not to us either"
        )


class OwnershipRefused(WalletRefused):
    """A signed message does not prove that the address is the caller's."""
