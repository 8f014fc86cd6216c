"""Verifies that a wallet is its user's: a message of EIP-4361 signed by its key, or approved by its contract."""

from datetime import datetime

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from coinsphere.chains.errors import OwnershipRefused
from coinsphere.chains.rpc import CallFailed, Node
from coinsphere.wallets import sign_in
from coinsphere.wallets.sign_in import Expected, SignIn

_FUNCTION = "isValidSignature(bytes32,bytes)"
_APPROVED = "0x1626ba7e"
_LONGEST = 4_096
"""Bytes: a contract of many signers wants one of each."""


def read(text: str, expected: Expected, now: datetime) -> SignIn:
    """The message, if it has the required content; its nonce and signature are still to be checked.

    Raises:
        OwnershipRefused: it does not.
    """
    message = sign_in.parse(text)
    sign_in.check(message, expected, now)
    return message


def unhex(signature: str) -> bytes:
    """A signature from its hexadecimal form. Raises `OwnershipRefused` where it is none."""
    try:
        data = bytes.fromhex(signature.removeprefix("0x"))
    except ValueError:
        data = b""
    if not 0 < len(data) <= _LONGEST:
        raise OwnershipRefused("the signature is not hexadecimal, or too long")
    return data


def is_signed(text: str, signature: bytes, address: str) -> bool:
    """Whether the key of `address` signed `text`."""
    return sign_in.signer(text, signature) == address


def is_approved(node: Node, text: str, signature: bytes, address: str) -> bool:
    """Whether `address` is a contract that takes the signature for its own (EIP-1271).

    Raises:
        RateLimited, Unavailable, BadPayload: the chain did not answer.
    """
    selector = keccak(text=_FUNCTION)[:4]
    data = selector + encode(("bytes32", "bytes"), (sign_in.digest(text), signature))
    try:
        answer = node.call("eth_call", {"to": address, "data": "0x" + data.hex()}, "latest")
    except CallFailed:
        return False
    # A whole word, of which the first four bytes are the answer: an address without code answers nothing.
    return isinstance(answer, str) and len(answer) == 66 and answer.startswith(_APPROVED)  # noqa: PLR2004  0x and 32 bytes
