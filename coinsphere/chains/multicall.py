"""Reads contracts by plans that ask in rounds; one request serves a round of all plans.

A plan is a generator. It yields calls, is handed their results in that order, and returns what it made of them; a call
that reverts, or whose contract is not there, gives None. So every protocol is written as if it were alone, and a dozen
of them cost as many requests as the longest.
"""

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from coinsphere.chains.blockchains import MULTICALL3
from coinsphere.chains.rpc import CallFailed, Node, Question

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

CHUNK = 500
"""Calls in one request: half a million of gas for a hundred of them, where nodes allow fifty million."""
_CHUNKS_A_REQUEST = 4
_AGGREGATE = "aggregate3((address,bool,bytes)[])"
_RESULTS = "(bool,bytes)[]"
_MOST_GIVEN_UP = 5
"""A contract that burns all gas is a contract of its own; many such calls are a node that gives too little."""
_CANARY = "getEthBalance(address)"
_NOBODY = "0x" + "0" * 40


@dataclass(frozen=True, slots=True)
class Call:
    """A read: `Call(token, "balanceOf(address)", (owner,), ("uint256",))`."""

    target: str
    signature: str
    arguments: tuple[Any, ...] = ()
    returns: tuple[str, ...] = ("uint256",)

    def data(self) -> bytes:
        """The call as it is sent to the contract."""
        selector, types = _shape(self.signature)
        return selector + encode(types, self.arguments)

    def read(self, data: bytes) -> tuple[Any, ...] | None:
        """The decoded result; None where it does not fit the signature."""
        try:
            return tuple(decode(self.returns, data))
        except (DecodingError, OverflowError, UnicodeDecodeError):
            return None


Result = tuple[Any, ...] | None
Plan = Generator[Sequence[Call], Sequence[Result], T]
Ask = Callable[[Sequence[Call]], list[Result]]


def grouped(groups: Sequence[Sequence[Call]]) -> Plan[list[list[Result]]]:
    """Plan: the results of calls that belong together, group by group."""
    results = iter((yield [call for group in groups for call in group]))
    return [list(islice(results, len(group))) for group in groups]


def asker(node: Node, block: int, multicall: str = MULTICALL3) -> Ask:
    """A function that asks a node, with every answer as of one block."""

    def ask(calls: Sequence[Call]) -> list[Result]:
        given_up: list[Call] = []
        chunks = [calls[first : first + CHUNK] for first in range(0, len(calls), CHUNK)]
        results: list[Result] = []
        for first in range(0, len(chunks), _CHUNKS_A_REQUEST):
            some = chunks[first : first + _CHUNKS_A_REQUEST]
            results.extend(_aggregate(node, block, multicall, some, given_up))
        if len(given_up) > _MOST_GIVEN_UP:
            source = str(node.chain.blockchain)
            raise CallFailed(source, f"{len(given_up)} calls cost more than the node allows")
        return results

    return ask


def run(plans: Mapping[K, Plan[T]], ask: Ask) -> dict[K, T]:
    """Run plans side by side and return their results by key. A call that two of them need is asked once."""
    done: dict[K, T] = {}
    waiting: dict[K, Sequence[Call]] = {}
    for key, plan in plans.items():
        _advance(key, plan, None, done, waiting)
    while waiting:
        wanted = list(dict.fromkeys(call for calls in waiting.values() for call in calls))
        results = dict(zip(wanted, ask(wanted), strict=True))
        for key, calls in list(waiting.items()):
            _advance(key, plans[key], [results[call] for call in calls], done, waiting)
    return done


def _advance(
    key: K,
    plan: Plan[T],
    results: Sequence[Result] | None,
    done: dict[K, T],
    waiting: dict[K, Sequence[Call]],
) -> None:
    waiting.pop(key, None)
    try:
        waiting[key] = next(plan) if results is None else plan.send(results)
    except StopIteration as stop:
        done[key] = stop.value


def _aggregate(
    node: Node,
    block: int,
    multicall: str,
    chunks: Sequence[Sequence[Call]],
    given_up: list[Call],
) -> list[Result]:
    """The results of some chunks; one that costs too much is asked in halves, a single such call is given up."""
    questions = [_question(block, multicall, chunk) for chunk in chunks]
    try:
        answers = node.ask(questions)
        return [
            result
            for chunk, answer in zip(chunks, answers, strict=True)
            for result in _results(chunk, answer, node)
        ]
    except CallFailed:
        if len(chunks) == 1 and len(chunks[0]) == 1:
            given_up.extend(chunks[0])
            return [None]
        smaller = chunks if len(chunks) > 1 else _halves(chunks[0])
    if len(given_up) > _MOST_GIVEN_UP:
        return [None] * sum(map(len, smaller))
    return [
        each for chunk in smaller for each in _aggregate(node, block, multicall, [chunk], given_up)
    ]


def _halves(calls: Sequence[Call]) -> Sequence[Sequence[Call]]:
    middle = len(calls) // 2
    return (calls[:middle], calls[middle:])


def _question(block: int, multicall: str, calls: Sequence[Call]) -> Question:
    selector, types = _shape(_AGGREGATE)
    # Where the gas runs out, all calls from there on fail, and the last one tells.
    last = Call(multicall, _CANARY, (_NOBODY,))
    data = selector + encode(types, [[(call.target, True, call.data()) for call in (*calls, last)]])
    return Question("eth_call", ({"to": multicall, "data": "0x" + data.hex()}, hex(block)))


def _results(calls: Sequence[Call], answer: Any, node: Node) -> list[Result]:
    source = str(node.chain.blockchain)
    try:
        (results,) = decode([_RESULTS], bytes.fromhex(answer.removeprefix("0x")))
    except (AttributeError, ValueError, DecodingError, OverflowError):
        raise CallFailed(source, "the answer is none of a multicall", repr(answer)) from None
    if len(results) != len(calls) + 1:
        raise CallFailed(source, "the answer is of another length than the question")
    if not results[-1][0]:
        raise CallFailed(source, "the gas ran out")
    return [
        call.read(data) if is_good else None
        for call, (is_good, data) in zip(calls, results[:-1], strict=True)
    ]


@lru_cache(maxsize=1_000)
def _shape(signature: str) -> tuple[bytes, tuple[str, ...]]:
    """The first four bytes of a call, and the types of its arguments."""
    inside = signature[signature.index("(") + 1 : -1]
    return keccak(text=signature)[:4], _split(inside)


def _split(types: str) -> tuple[str, ...]:
    """Types at the outermost level: `(address,bool)[],uint256` is two."""
    parts, depth, start = [], 0, 0
    for position, letter in enumerate(types):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(types[start:position])
            start = position + 1
    return (*parts, types[start:]) if types else ()
