"""JSON from outside: how deep it is, and whether a name stands twice, is known before a parser sees it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsphere.parsing import untrusted_json
from coinsphere.parsing.untrusted_json import (
    Repeated,
    TooDeep,
    outline,
    refuse_repeated,
    require_shallow,
)

VALUES = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}:,"\\a\n€'),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(alphabet='[{":\\a', max_size=3), inner, max_size=4)
    ),
    max_leaves=30,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@settings(deadline=None, max_examples=500)
@given(VALUES, st.booleans())
def test_the_depth_of_a_text_is_that_of_its_value(value: object, is_ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii).encode()
    deep = depth(value)
    require_shallow(outline(text), deep)
    refuse_repeated(outline(text), value, text)
    if deep > 0:
        with pytest.raises(TooDeep):
            # A neighbour, as few brackets are let pass without being looked at.
            require_shallow(outline(b"[" + text + b",[]" * 100 + b"]"), deep)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 50_000,
        b'{"a":' * 50_000,
        b'[{"a":' * 25_000,
        b"[" * 50_000 + b"]" * 50_000,
        b'"' + b'\\"' * 20 + b'"' + b"[" * 50_000,
        b'"\\\\"' + b"[" * 50_000,
        b"]" * 50_000 + b"[" * 50_000,
        "∀".encode() + b"[" * 50_000,
    ],
)
def test_what_is_deep_reaches_no_parser(text: bytes) -> None:
    def parse(_: str) -> None:
        raise AssertionError("a parser was given it")

    with pytest.raises(TooDeep):
        untrusted_json.decode(text, parse)
    with pytest.raises(TooDeep):
        untrusted_json.decode(text.decode(), parse)


@pytest.mark.parametrize(
    "text",
    [b'"' * 2_000_000, b'"' + b'\\"' * 1_000_000, b'"\\' * 1_000_000, b"[]" * 1_000_000],
)
def test_a_look_at_a_text_is_linear(text: bytes) -> None:
    """Were it quadratic, this would take hours."""
    require_shallow(outline(text), 32)


def test_brackets_hide_in_no_other_encoding() -> None:
    # In UTF-16 the first character holds the byte of a quotation mark, and would hide what follows.
    text = ("∀" + "[" * 5_000).encode("utf-16-le")
    with pytest.raises(ValueError, match="codec"):
        untrusted_json.decode(b"\xff\xfe" + text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b'{"amount":1,"amount":1000}', "amount"),
        (b'{"a":{"b":[{"amount":1,"amount":1}]}}', "amount"),
        (b'{"amount":1,"\\u0061mount":2}', "amount"),
        (b'{"":1,"":2}', ""),
        ('{"é":1,"\\u00e9":2}'.encode(), "é"),
    ],
)
def test_a_name_that_stands_twice_is_named(text: bytes, name: str) -> None:
    with pytest.raises(Repeated) as refused:
        refuse_repeated(outline(text), json.loads(text), text)
    assert refused.value.name == name
