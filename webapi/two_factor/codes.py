"""Codes of a second factor: time-based ones of an authenticator app (RFC 6238), and recovery codes.

The server's clock decides. With a drift of one step a code is good for up to 90 seconds, more than the 30 that ASVS
asks for; `COINSPHERE_TOTP_DRIFT_STEPS=0` keeps to those.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import NamedTuple

import pyotp
import segno

STEP_SECONDS = 30
ISSUER = "Coinsphere"
COUNT = 10
FEW = 3
"""With so few recovery codes left their owner is warned."""

_CODE_BYTES = 15
_GROUP = 4
_DIGITS = 6


def new_secret() -> str:
    """160 random bits in base32, as authenticator apps take them."""
    return pyotp.random_base32(32)


def address_of(secret: str, account: str) -> str:
    """The secret as an `otpauth://` address, which an app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def qr_code(address: str) -> str:
    """The QR code of an address as a PNG in a data URL."""
    return segno.make(address, micro=False).png_data_uri(scale=5)


class Squares(NamedTuple):
    """A QR code as one SVG path over a square of `size` units; its quiet border (ISO/IEC 18004) is within."""

    size: int
    path: str


def squares(address: str) -> Squares:
    """The QR code of an address, to be drawn in a page."""
    code = segno.make(address, micro=False)
    rows = [list(row) for row in code.matrix_iter(border=code.default_border_size)]
    path = "".join(
        f"M{x} {y}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, is_dark in enumerate(row)
        if is_dark
    )
    return Squares(len(rows), path)


def matching_step(secret: str, code: str, now: datetime, drift: int) -> int | None:
    """The time step, at most `drift` steps from now, whose code is `code`; None if there is none."""
    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP_SECONDS
    match = None
    # Every step is compared, in constant time: how long it takes says nothing of the code.
    for step in range(present - drift, present + drift + 1):
        if hmac.compare_digest(totp.generate_otp(step), code):
            match = step
    return match


def is_time_based(code: str) -> bool:
    """Whether a code has the form of one by an authenticator app."""
    return len(code) == _DIGITS and code.isascii() and code.isdigit()


def new_recovery_codes() -> list[str]:
    """Codes of 120 random bits each, in groups that can be read out."""
    return [_grouped(secrets.token_bytes(_CODE_BYTES)) for _ in range(COUNT)]


def recovery_hash(code: str) -> bytes:
    """What is stored of a recovery code; signs and case do not matter. So many bits need no stretching."""
    letters = "".join(character for character in code.upper() if character.isalnum())
    return hashlib.sha256(letters.encode()).digest()


def tidied(code: str) -> str:
    """A code as somebody typed it, without the blanks that apps show in it."""
    return "".join(code.split())


def _grouped(data: bytes) -> str:
    text = base64.b32encode(data).decode()
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))
