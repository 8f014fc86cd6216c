"""What the API says is found in the catalogues, whatever name or number stands in it."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from coinsphere import i18n
from coinsphere.portfolio.issues import Issue
from coinsphere.portfolio.model import IssueKind
from webapi.predictions import answers
from webapi.transactions.schemas import TransactionIn
from webui import api_messages

ROOT = Path(__file__).resolve().parents[3]
OF_PYDANTIC = ("Input should", "String should", "Extra inputs")
PLACE = re.compile(r"%\(\w+\)s|\{[^{}]*\}")


def test_every_sentence_is_still_said_by_somebody() -> None:
    """Its fixed parts stand in the code; what pydantic says is tried below."""
    code = "\n".join(
        file.read_text()
        for package in ("coinsphere", "webapi", "webui/pages", "webui/security", "ml/registry")
        for file in (ROOT / package).rglob("*.py")
    )
    code = re.sub(r"\"\s*\n\s*f?\"", "", code)
    sentences = (
        *api_messages.OF_FORMS,
        *api_messages.OF_PROBLEMS,
        *api_messages.OF_ASSET_EVENTS,
        *api_messages.OF_FILES,
    )
    assert len(set(sentences)) == len(sentences)
    silent = [
        each
        for each in sentences
        if not each.startswith(OF_PYDANTIC)
        for part in PLACE.split(each)
        if part.strip().rstrip(".s").lower() not in code.lower()
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("Field required", "Pflichtfeld"),
        ("nobody may watch more than 200 tokens", "niemand darf mehr als 200 Token beobachten"),
        ("Nobody may watch more than 200 tokens.", "niemand darf mehr als 200 Token beobachten"),
        (
            "Input should be greater than or equal to 0.5",
            "Der Wert muss mindestens 0.5 sein",
        ),
        ("belongs to line 7: is empty", "gehört zu Zeile 7: ist leer"),
        ("'1,2,3' is not a number", "'1,2,3' ist keine Zahl"),
        ("a sentence that nobody knows", "a sentence that nobody knows"),
        ("", ""),
        ("50 % of %(x)s is not a number", "50 % of %(x)s ist keine Zahl"),
    ],
)
def test_a_sentence_is_told_with_what_varies(english, german) -> None:
    with i18n.speaking("de"):
        told = api_messages.in_words(english)
    if english != "Field required":
        assert told == german
    assert told != english or english == german
    with i18n.speaking("en"):
        assert api_messages.in_words(english) == english


def test_what_pydantic_says_of_a_form_is_german() -> None:
    """Of all faults of a transaction's form none stays English."""
    wrong = {
        "portfolioId": None,
        "tokenSymbol": "",
        "type": "steal",
        "amount": "-1",
        "price": "x",
        "timestamp": "yesterday",
        "surprise": 1,
        "notes": "n" * 5000,
    }
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(TransactionIn).validate_python(wrong)
    messages = [each["msg"].removeprefix("Value error, ") for each in refused.value.errors()]
    assert len(messages) >= 6
    with i18n.speaking("de"):
        english = [each for each in messages if api_messages.in_words(each) == each]
    assert english == []


@pytest.mark.parametrize("kind", list(IssueKind))
def test_an_issue_is_told_in_the_readers_language(kind) -> None:
    issue = Issue(*[None] * 12)
    made = {"kind": kind, "token_symbol": "BTC", "amount": Decimal("0.5")}
    for name, value in made.items():
        object.__setattr__(issue, name, value)
    with i18n.speaking("de"):
        german, advice = issue.message, issue.advice
    assert "BTC" in german
    assert (german, advice) != (issue.message, issue.advice)
    assert "%" not in german + issue.message


def test_prices_in_a_note_are_written_as_the_language_writes_them() -> None:
    with i18n.speaking("de"):
        assert answers._short(Decimal("91234.56")) == "91.235"
    assert answers._short(Decimal("0.000009120")) == "0.00000912"
