"""Detects the encoding of a text file: UTF-8, or UTF-16 with or without a mark, as spreadsheets and some exchanges write it."""

import codecs

UTF_8 = "utf-8-sig"
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def encoding_of(start: bytes) -> str:
    """The name of the encoding, by a file's first two bytes.

    Tables begin with a character of ASCII, one byte of which is zero in UTF-16. Text in UTF-8 has no zero byte.
    """
    if start.startswith(_MARKS):
        return "utf-16"
    first, second = start[:1], start[1:2]
    if b"\0" in {first, second} and first != second and len(start) > 1:
        return "utf-16-be" if first == b"\0" else "utf-16-le"
    return UTF_8
