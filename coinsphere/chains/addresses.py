"""Normalises addresses to the one spelling that is stored, and refuses what is no address of its chain."""

import re

from embit import base58, bip32, script
from embit.base import EmbitError
from embit.networks import NETWORKS
from eth_utils.address import is_checksum_address, to_checksum_address

from coinsphere.chains.blockchains import CHAINS, Blockchain
from coinsphere.chains.errors import AddressRefused, SecretRefused

_EVM = re.compile(r"0x[0-9a-fA-F]{40}")
_EXTENDED = re.compile(r"[xyz]pub[1-9A-HJ-NP-Za-km-z]{100,112}")
_SOLANA = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_PUBLIC_KEY_BYTES = 32
_MAINNET = NETWORKS["main"]
_NONSENSE = (EmbitError, ValueError, KeyError, IndexError, TypeError, AssertionError)


def normalise(blockchain: Blockchain, text: str) -> str:
    """The address in the spelling of the chain's own wallets.

    Raises:
        AddressRefused: it is no address of the main network; mixed case that fails EIP-55 is a typing error.
        SecretRefused: it is an extended private key.
    """
    family = CHAINS[blockchain].family
    if family == "evm":
        return _evm(text)
    return _bitcoin(text) if family == "bitcoin" else _solana(text)


def is_extended(address: str) -> bool:
    """Whether a Bitcoin address is an extended public key: the root of many addresses."""
    return _EXTENDED.fullmatch(address) is not None


def extended_key(address: str) -> bip32.HDKey:
    """The extended public key that `address` is.

    Raises:
        AddressRefused: it is none.
        SecretRefused: it is a private one.
    """
    try:
        key = bip32.HDKey.from_base58(address)
    except _NONSENSE:
        raise AddressRefused("is no extended public key: its checksum is wrong") from None
    if key.is_private:
        raise SecretRefused
    return key


def _evm(text: str) -> str:
    if _EVM.fullmatch(text) is None:
        raise AddressRefused("is no address: 0x and 40 hexadecimal digits are wanted")
    digits = text[2:]
    is_mixed = digits not in (digits.lower(), digits.upper())
    if is_mixed and not is_checksum_address(text):
        raise AddressRefused("is mistyped: its upper and lower case do not fit (EIP-55)")
    return str(to_checksum_address(text))


def _bitcoin(text: str) -> str:
    if is_extended(text):
        extended_key(text)
        return text
    # Bech32 knows no case, Base58 does.
    address = text.lower() if text.lower().startswith("bc1") and text.upper() == text else text
    try:
        script_pubkey = script.address_to_scriptpubkey(address)
        is_ours = script_pubkey is not None and script_pubkey.address(_MAINNET) == address
    except _NONSENSE:
        is_ours = False
    if not is_ours:
        raise AddressRefused("is no address or extended public key of Bitcoin's main network")
    return address


def _solana(text: str) -> str:
    try:
        is_key = (
            _SOLANA.fullmatch(text) is not None and len(base58.decode(text)) == _PUBLIC_KEY_BYTES
        )
    except _NONSENSE:
        is_key = False
    if not is_key:
        raise AddressRefused("is no address of Solana: 32 bytes in Base58 are wanted")
    return text
