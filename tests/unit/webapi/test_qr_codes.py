"""The QR code that a page draws is the one that the address stands for."""

import re

import segno

from webapi.two_factor import codes


def test_the_squares_are_those_of_the_code() -> None:
    address = codes.address_of(codes.new_secret(), "ada@example.com")
    drawn = codes.squares(address)
    made = segno.make(address, micro=False)
    border = made.default_border_size
    dark = {
        (x + border, y + border)
        for y, row in enumerate(made.matrix)
        for x, is_dark in enumerate(row)
        if is_dark
    }
    found = re.findall(r"M(\d+) (\d+)h1v1h-1z", drawn.path)
    assert {(int(x), int(y)) for x, y in found} == dark
    assert drawn.size == len(made.matrix) + 2 * border
