"""Pictures that users send: what is drawn anew holds no word of what stood beside it, and nothing else is taken."""

import io
from contextlib import suppress

import pytest
from PIL import Image, PngImagePlugin

from coinsphere.errors import NoPicture
from coinsphere.parsing import pictures


def picture(kind: str, size=(300, 200), **options) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(content, kind, **options)
    return content.getvalue()


def told(kind: str) -> bytes:
    """A picture with a place, a camera and a comment."""
    exif = Image.Exif()
    exif[0x010F], exif[0x8825], exif[0x0112] = "Camera", {1: "N", 2: (48.0, 8.0, 0.0)}, 6
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "Camera of Ada")
    return picture(kind, exif=exif, **({"pnginfo": words} if kind == "PNG" else {}))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_drawn_anew_without_a_word_and_upright(kind) -> None:
    content = told(kind)
    assert b"Camera" in content
    drawn = pictures.redrawn(content)
    assert b"Camera" not in drawn
    with Image.open(io.BytesIO(drawn)) as shown:
        assert (shown.format, shown.size, dict(shown.getexif())) == ("WEBP", (200, 300), {})
        assert not {"exif", "xmp", "icc_profile"} & shown.info.keys()
        assert all(
            abs(a - b) < 12 for a, b in zip(shown.getpixel((9, 9)), (200, 30, 30), strict=True)
        )


def test_a_large_one_is_made_small_and_its_shape_stays() -> None:
    with Image.open(io.BytesIO(pictures.redrawn(picture("PNG", (4000, 1000))))) as shown:
        assert shown.size == (2000, 500)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html>",
        picture("GIF"),
        picture("BMP"),
        picture("TIFF"),
        picture("PNG")[:60],
        picture("JPEG")[:200],
        picture("WEBP")[:40],
        picture("PNG", (4001, 4000)),
        b"\x89PNG\r\n\x1a\n" + b"x" * 700_000,
    ],
)
def test_what_is_no_picture_broken_or_too_large_is_refused(content) -> None:
    with pytest.raises(NoPicture):
        pictures.redrawn(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_whatever_byte_is_wrong_in_what_is_told_beside_it_nothing_else_is_raised(kind) -> None:
    content = told(kind)
    for at in range(min(len(content), 260)):
        for wrong in (0, 2, 3, 4, 5, 7, 10, 12, 131, 255):
            with suppress(NoPicture):
                pictures.redrawn(content[:at] + bytes([wrong]) + content[at + 1 :])
