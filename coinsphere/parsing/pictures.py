"""Pictures from uploads: recognised by content, and drawn anew, small and without metadata."""

import io

from PIL import Image, ImageOps

from coinsphere.errors import NoPicture

LARGEST = 700_000
"""Bytes of a picture that is sent."""
MIMETYPE = "image/webp"
_KINDS = ("PNG", "JPEG", "WEBP")
_MOST_PIXELS = 16_000_000
"""More than a screen of 5K has; a few bytes can claim many more."""
_LONGEST_SIDE = 2000
_QUALITY = 80


def redrawn(content: bytes) -> bytes:
    """The picture as WebP, without place, time, device or any other metadata.

    Args:
        content: a PNG, JPEG or WebP of at most `LARGEST` bytes.

    Raises:
        NoPicture: it is none of these, broken, or too large.
    """
    if len(content) > LARGEST:
        raise NoPicture(f"must have at most {LARGEST} bytes")
    try:
        return _drawn(content)
    except NoPicture:
        raise
    except Exception:  # noqa: BLE001 - what a decoder raises for broken bytes is anything, `struct.error` among it
        raise NoPicture("must be a PNG, JPEG or WebP") from None


def _drawn(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content), formats=_KINDS) as picture:
        if picture.width * picture.height > _MOST_PIXELS:
            raise NoPicture(f"must have at most {_MOST_PIXELS} pixels")
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    drawn = io.BytesIO()
    # A picture that is pasted into a new one brings no word of its own along.
    bare = Image.new("RGB", upright.size)
    bare.paste(upright)
    bare.save(drawn, "WEBP", quality=_QUALITY)
    return drawn.getvalue()
