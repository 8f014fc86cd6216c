"""Sign-In with Ethereum (EIP-4361): the message that is signed, read strictly, and who signed it. No I/O.

The grammar is small and read here: the package `siwe` asks for a web3 that is older than the rest of our libraries.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from eth_keys.constants import SECPK1_N
from eth_keys.datatypes import Signature
from eth_utils.address import is_checksum_address
from eth_utils.crypto import keccak

from coinsphere.chains.errors import OwnershipRefused
from coinsphere.clock import iso

STATEMENT = "Show Coinsphere that this wallet is yours. It costs nothing and moves nothing."
LIFE = timedelta(minutes=5)
_CLOCK_SKEW = timedelta(minutes=1)
_LONGEST = 4_000
_SIGNATURE_BYTES = 65
_RECOVERY_IDS = (0, 1, 27, 28)
"""The last byte: which of two points it was. Wallets add 27, as Bitcoin once did."""

_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
_MESSAGE = re.compile(
    r"(?P<domain>[^\s/?#@]+) wants you to sign in with your Ethereum account:\n"
    r"(?P<address>0x[0-9a-fA-F]{40})\n"
    r"\n"
    r"(?:(?P<statement>[^\n]+)\n)?"
    r"\n"
    r"URI: (?P<uri>[^\s]+)\n"
    r"Version: (?P<version>\d+)\n"
    r"Chain ID: (?P<chain_id>\d{1,18})\n"
    r"Nonce: (?P<nonce>[0-9A-Za-z]{8,96})\n"
    rf"Issued At: (?P<issued_at>{_INSTANT})"
    rf"(?:\nExpiration Time: (?P<expires_at>{_INSTANT}))?"
    rf"(?:\nNot Before: (?P<not_before>{_INSTANT}))?"
    r"(?:\nRequest ID: (?P<request_id>[^\n]*))?"
    r"(?:\nResources:(?P<resources>(?:\n- [^\s]+)*))?"
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a message says. Instants are in UTC."""

    domain: str
    address: str
    uri: str
    chain_id: int
    nonce: str
    issued_at: datetime
    expires_at: datetime | None = None
    not_before: datetime | None = None
    statement: str | None = None
    version: str = "1"

    def text(self) -> str:
        """The message as a wallet shows and signs it."""
        lines = [
            f"{self.domain} wants you to sign in with your Ethereum account:",
            self.address,
            "",
            *([] if self.statement is None else [self.statement]),
            "",
            f"URI: {self.uri}",
            f"Version: {self.version}",
            f"Chain ID: {self.chain_id}",
            f"Nonce: {self.nonce}",
            f"Issued At: {iso(self.issued_at)}",
        ]
        if self.expires_at is not None:
            lines.append(f"Expiration Time: {iso(self.expires_at)}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a message must say here."""

    domain: str
    uri: str
    chain_id: int
    address: str


def parse(text: str) -> SignIn:
    """Read a message.

    Raises:
        OwnershipRefused: it is no message of EIP-4361.
    """
    match = _MESSAGE.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise OwnershipRefused("the message does not follow EIP-4361")
    return SignIn(
        domain=match["domain"],
        address=match["address"],
        uri=match["uri"],
        chain_id=int(match["chain_id"]),
        nonce=match["nonce"],
        issued_at=_required(match["issued_at"]),
        expires_at=_instant(match["expires_at"]),
        not_before=_instant(match["not_before"]),
        statement=match["statement"],
        version=match["version"],
    )


def check(message: SignIn, expected: Expected, now: datetime) -> None:
    """Check what a message says, all but its nonce and signature.

    Raises:
        OwnershipRefused: says which part is wrong.
    """
    faults = {
        "its version is not 1": message.version != "1",
        "its domain is not ours": message.domain != expected.domain,
        "its URI is not ours": message.uri != expected.uri,
        "it is for another chain": message.chain_id != expected.chain_id,
        "its address is not written as EIP-55 wants": not is_checksum_address(message.address),
        "it is for another address": message.address != expected.address,
        "it was issued in the future": message.issued_at > now + _CLOCK_SKEW,
        "it was issued more than five minutes ago": message.issued_at < now - LIFE - _CLOCK_SKEW,
        "it has expired": message.expires_at is not None and message.expires_at <= now,
        "it is not valid yet": message.not_before is not None
        and message.not_before > now + _CLOCK_SKEW,
    }
    for fault, is_so in faults.items():
        if is_so:
            raise OwnershipRefused(f"the message is refused: {fault}")


def signer(text: str, signature: bytes) -> str | None:
    """The address whose key signed `text`; None where the signature is none of a single key.

    A second form of every signature, with a high `s`, is not taken: each act has one signature.
    """
    if len(signature) != _SIGNATURE_BYTES or signature[64] not in _RECOVERY_IDS:
        return None
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not (0 < r < SECPK1_N and 0 < s <= SECPK1_N // 2):
        return None
    recovery_id = signature[64] % 27
    try:
        key = Signature(vrs=(recovery_id, r, s)).recover_public_key_from_msg_hash(digest(text))
        return str(key.to_checksum_address())
    except Exception:  # noqa: BLE001  eth-keys raises several kinds for points that are not on the curve
        return None


def digest(text: str) -> bytes:
    """The 32 bytes that a wallet signs for `text` (EIP-191, version E), which a contract wallet is asked about, too."""
    message = text.encode()
    return keccak(b"\x19Ethereum Signed Message:\n%d%b" % (len(message), message))


def _required(text: str) -> datetime:
    moment = _instant(text)
    assert moment is not None
    return moment


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise OwnershipRefused("the message holds an instant that does not exist") from None
