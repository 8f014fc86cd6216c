"""The number format of a table's column, decided from all of its cells, never from one alone.

`1.234` may be one and a bit or over a thousand. What decides is another cell of the column (`0,5`, `1.234,56`), else the
other columns, else the person who imports. A column that contradicts itself is refused.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

NOTHING = frozenset({"", "-", "--", "\u2013", "\u2014", "n/a", "na", "nan", "null", "none"})
"""What stands in a cell that says nothing, in lower case."""


class Mark(StrEnum):
    """The mark before the fraction of a number."""

    POINT = "point"
    COMMA = "comma"


class Written(NamedTuple):
    """A number as it is written: its sign, digits with their marks, exponent, and the unit beside it, if any."""

    sign: str
    digits: str
    exponent: str
    unit: str | None


_SPACES = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")
_NUMBER = re.compile(
    r"(?P<digits>[0-9.,' ]*[0-9][0-9.,' ]*?)(?:[eE](?P<exponent>[+-]?[0-9]{1,3}))?"
)
_PLAIN = re.compile(r"(-?)([0-9]+(?:\.[0-9]+)?)", re.ASCII)
"""What most cells are: seen first, as files have a million of them."""
_SPACED = re.compile(r"[0-9]{1,3}([ '])[0-9]{3}(\1[0-9]{3})*([.,][0-9]*)?")
_INDIAN = re.compile(r"[0-9]{1,2}(,[0-9]{2})*,[0-9]{3}")

_SIGNS = {"€": "EUR", "£": "GBP", "₿": "BTC", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₹": "INR", "₪": "ILS", "฿": "THB",
          "₱": "PHP", "₫": "VND", "₴": "UAH", "₦": "NGN", "₸": "KZT", "₾": "GEL", "₼": "AZN", "₵": "GHS", "₡": "CRC",
          "₲": "PYG", "₮": "MNT", "₭": "LAK", "៛": "KHR", "Ξ": "ETH"}  # fmt: skip
"""Signs of one currency; `$` and `¥` are those of several."""
_WORDS = {"zł": "PLN", "kč": "CZK", "円": "JPY", "元": "CNY", "лв": "BGN"}
"""Words of one currency, which no token is called by; of others, such as `kr` and `Ft`, see `row.agreed`."""
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_WORD_BEFORE = re.compile(rf"({_WORD})(?:\. | )?(?=[-+0-9])", re.IGNORECASE)
_WORD_AFTER = re.compile(rf"(?<=[0-9.,]) ?({_WORD})\.?$", re.IGNORECASE)
_DOLLARS = {"CN¥": "CNY", "RMB¥": "CNY", "JP¥": "JPY", "US$": "USD", "U$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD", "HK$": "HKD",
            "S$": "SGD", "SG$": "SGD", "R$": "BRL", "MX$": "MXN", "NT$": "TWD"}  # fmt: skip
"""Which dollar it is by what stands before the sign (CLDR)."""
_MAGNITUDES = frozenset({
    "BN", "BIO", "BIL", "BILLION", "CR", "CRORE", "CRORES", "HUNDRED", "LAC", "LAKH", "LAKHS", "MIL", "MILLION", "MIO", "MLD", "MLN",
    "MN", "MRD", "TAUSEND", "THOUSAND", "THSD", "TRILLION", "TRN", "TSD",
})  # fmt: skip
"""Words that make a number larger, and are no unit: `1.2 Mio` is not 1.2."""
_UNIT_APART = re.compile(
    r"(?<=[0-9.,]) (?![0-9]+E[0-9]+$)((?=[0-9]*[A-Z])[A-Z0-9]{2,12})$", re.IGNORECASE
)
"""A token with a digit in its name, such as `1INCH` and `C98`: behind a space, as its digits would join the number's."""
_NO_FRACTION = re.compile(r"(?<=[0-9])([.,])(?:--?|[\u2012-\u2015])(?![0-9])")
"""`100.-`, `1.234,--`: no cents, in Switzerland and Germany; the dash is no minus."""


def written(cell: str) -> Written | None:
    """The parts of a number; None where the cell holds none.

    Understood are a sign before or after, brackets as a minus, a currency's sign or code before or after, and spaces or
    apostrophes between thousands.
    """
    plain = _PLAIN.fullmatch(cell)
    if plain:
        return Written(plain[1], plain[2], "", None)
    text = _NO_FRACTION.sub(
        r"\g<1>00", _SPACES.sub(" ", cell.strip().removeprefix("'")).replace("\u2019", "'")
    ).replace("\u2212", "-")
    is_negative = text.startswith("(") and text.endswith(")")
    if is_negative:
        text = text[1:-1].strip()
    sign, text = _sign(text)
    unit, text = _unit(text)
    inner, text = _sign(text) if not sign else ("", text)
    if (is_negative and (sign or inner)) or unit in _MAGNITUDES:
        return None
    match = _NUMBER.fullmatch(text)
    digits = _closed_up(match["digits"]) if match else None
    if match is None or digits is None:
        return None
    return Written("-" if is_negative else sign or inner, digits, match["exponent"] or "", unit)


def _sign(text: str) -> tuple[str, str]:
    """A sign at the start, or a minus at the end."""
    if text[:1] in {"+", "-"}:
        return text[0], text[1:].strip()
    if text.endswith("-") and len(text) > 1:
        return "-", text[:-1].strip()
    return "", text


def currency_of(sign: str) -> str | None:
    """The currency of a character, or the sign itself where it is that of several; None where it is no sign."""
    plain = _narrow(sign)
    if plain == "Ξ" or (plain and unicodedata.category(plain) == "Sc"):
        return _SIGNS.get(plain, plain)
    return None


def _narrow(character: str) -> str:
    """A currency's sign as it is written between Latin letters: `￥` (U+FFE5) is the wide form of `¥`."""
    if character.isascii() or unicodedata.category(character) != "Sc":
        return character
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 else character


def _unit(text: str) -> tuple[str | None, str]:
    """The currency's sign or code at one end, and the rest."""
    text = "".join(map(_narrow, text))
    first, last = text[:1], text[-1:]
    for sign, rest in ((first, text[1:]), (last, text[:-1])):
        unit = currency_of(sign)
        if unit is not None:
            return unit, rest.strip()
    word = _WORD_BEFORE.match(text) or _WORD_AFTER.search(text)
    if word:
        return _WORDS[word[1].lower()], (text[: word.start()] + text[word.end() :]).strip()
    before = re.match(r"([A-Za-z]{0,3}[$¥]|[A-Za-z]{2,10}) ?(?=[-+0-9]|[.,][0-9])", text)
    if before:
        unit = before[1].upper()
        if before[0].isalpha() and text[before.end()] in ".,":
            # `Rs.500`: the point is that of an abbreviation.
            return None, text
        return _DOLLARS.get(unit, unit), text[before.end() :]
    after = _UNIT_APART.search(text) or re.search(r"(?<=[0-9.,]) ?([A-Za-z]{2,10})$", text)
    if after:
        return after[1].upper(), text[: after.start()].strip()
    return None, text


def _closed_up(digits: str) -> str | None:
    """Without the spaces or apostrophes between thousands; None where they stand elsewhere."""
    if " " not in digits and "'" not in digits:
        return digits
    if _SPACED.fullmatch(digits) is None:
        return None
    # A mark beside spaced thousands can only be that of the fraction.
    return _as_fraction(digits.replace(" ", "").replace("'", ""))


def _as_fraction(digits: str) -> str:
    """`1234,500` and not `1,234,500`: four digits or more before the mark, which no thousands have."""
    whole, mark, fraction = re.fullmatch(r"([0-9]+)([.,]?)([0-9]*)", digits).groups()  # type: ignore[union-attr]
    return f"{whole.zfill(4)}{mark}{fraction}"


def marks(digits: str) -> frozenset[Mark]:
    """The marks by which `digits` can be read: one where they decide, both where they do not, none where they are no number."""
    return frozenset(mark for mark in Mark if _fits(digits, mark))


def _fits(digits: str, mark: Mark) -> bool:
    decimal, group = (".", ",") if mark is Mark.POINT else (",", ".")
    whole, _, fraction = digits.partition(decimal)
    if decimal in fraction or group in fraction or not (whole or fraction):
        return False
    if group not in whole:
        return True
    groups = whole.split(group)
    is_thousands = all(len(part) == 3 for part in groups[1:]) and 1 <= len(groups[0]) <= 3  # noqa: PLR2004 - thousands
    is_indian = group == "," and len(groups) > 2 and _INDIAN.fullmatch(whole) is not None  # noqa: PLR2004
    return (is_thousands or is_indian) and not groups[0].startswith("0")


def value(number: Written, mark: Mark) -> Decimal | None:
    """The number by a mark; None where it is none by that mark."""
    if not _fits(number.digits, mark):
        return None
    group = "," if mark is Mark.POINT else "."
    plain = number.digits.replace(group, "").replace(",", ".")
    return Decimal(f"{number.sign}{plain}e{number.exponent or 0}")


class Proof(NamedTuple):
    """A cell that can be read by one mark only, and where it stands."""

    line: int
    cell: str


class Evidence(NamedTuple):
    """The evidence of a column's cells: the first proof for each mark, and the first cell that fits both."""

    proofs: dict[Mark, Proof]
    ambiguous: dict[str, Proof]


class Contradiction(ValueError):
    """A column has proofs for both marks."""

    def __init__(self, proofs: Mapping[Mark, Proof]) -> None:
        self.point, self.comma = proofs[Mark.POINT], proofs[Mark.COMMA]
        super().__init__(
            f"{self.point.cell!r} in line {self.point.line}, {self.comma.cell!r} in line {self.comma.line}"
        )


def evidence(cells: Iterable[tuple[int, str]]) -> Evidence:
    """Collect the evidence of all cells of a column.

    Args:
        cells: the line of each and its text.
    """
    proofs: dict[Mark, Proof] = {}
    ambiguous: dict[str, Proof] = {}
    for line, cell in cells:
        number = None if cell.strip().lower() in NOTHING else written(cell)
        if number is None or not set(number.digits) & {".", ","}:
            continue
        possible = marks(number.digits)
        if len(possible) == 1:
            proofs.setdefault(next(iter(possible)), Proof(line, cell))
        elif possible:
            ambiguous.setdefault("," if "," in number.digits else ".", Proof(line, cell))
    return Evidence(proofs, ambiguous)


def decided(seen: Evidence, others: Iterable[Evidence], delimiter: str) -> tuple[Mark | None, str]:
    """The mark before the fraction of a column, and why; None where nothing tells.

    Args:
        seen: what its cells say.
        others: what those of the table's other columns of numbers say.
        delimiter: what parts the table's cells; beside semicolons a point may be one of thousands.

    Raises:
        Contradiction: the column has both.
    """
    if len(seen.proofs) > 1:
        raise Contradiction(seen.proofs)
    for mark, proof in seen.proofs.items():
        return mark, f"{proof.cell.strip()!r} in line {proof.line}"
    if not seen.ambiguous:
        return Mark.POINT, ""
    marks_of_others = {mark for other in others for mark in other.proofs}
    if len(marks_of_others) == 1:
        return marks_of_others.pop(), "as in the other columns"
    if not marks_of_others and "," not in seen.ambiguous and delimiter != ";":
        return Mark.POINT, "no cell has a comma"
    return None, ""
