"""JSON-RPC of a chain's nodes: several are asked in order until one answers; one request carries many questions."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, NamedTuple

import httpx2

from coinsphere import log
from coinsphere.chains.blockchains import Chain
from coinsphere.errors import BadPayload, ProviderError, RateLimited, Unavailable
from coinsphere.network import outbound

_log = log.get("wallets")
# Refusals of a provider that come as answers of the protocol: another may do it.
_LIMIT_CODES = (-32005, -32097, 429)
_LARGEST_LAG = timedelta(minutes=15)
"""Age of a node's newest block from which on it no longer keeps up; the slowest chain makes one in twelve seconds."""


class Question(NamedTuple):
    """One JSON-RPC call."""

    method: str
    parameters: tuple[Any, ...] = ()


class Block(NamedTuple):
    """A block of a chain."""

    number: int
    hash: str
    at: datetime


class CallFailed(BadPayload):
    """The node understood the call and reports that it fails: it reverts, or costs too much."""


class Node:
    """All nodes of a chain, asked as one.

    Args:
        chain: which one; a node that says to be of another is not believed.
        urls: the nodes, in order of preference.
        http: see `outbound.client`.
    """

    def __init__(self, chain: Chain, urls: Sequence[str], http: httpx2.Client) -> None:
        self.chain, self._urls, self._http = chain, list(urls), http
        self._ids = count(1)
        self._believed: set[str] = set()
        self.requests = 0
        """HTTP requests sent."""

    def ask(
        self, questions: Sequence[Question], check: Callable[[list[Any]], object] | None = None
    ) -> list[Any]:
        """The answers in the order of the questions, all from the same node.

        Args:
            questions: what is asked.
            check: refuses answers that make no sense by raising a `ProviderError`; the next node is asked then.

        Raises:
            CallFailed: a call fails wherever it is asked.
            RateLimited: no node answers, and one wants a pause.
            Unavailable, BadPayload: no node gives an answer that makes sense.
        """
        if not self._urls:
            raise Unavailable(self._source, "no node is set for this chain")
        failures: list[ProviderError] = []
        for url in list(self._urls):
            try:
                answers = self._ask_one(url, questions)
                if check is not None:
                    check(answers)
            except CallFailed:
                raise
            except ProviderError as error:
                _log.warning("node failed", chain=self._source, node=_host(url), error=str(error))
                failures.append(error)
            else:
                # Who answered is asked first the next time.
                self._urls.remove(url)
                self._urls.insert(0, url)
                return answers
        limited = [error for error in failures if isinstance(error, RateLimited)]
        raise limited[0] if limited else failures[-1]

    def call(self, method: str, *parameters: Any) -> Any:
        """One answer. Raises as `ask` does."""
        return self.ask([Question(method, parameters)])[0]

    def settled(self, now: datetime) -> Block:
        """The newest block that is not expected to be reverted, from a node that keeps up with its chain.

        Raises as `ask` does; a node whose newest block is old counts as one that does not answer.
        """
        latest = Question("eth_getBlockByNumber", ("latest", False))

        def refuse_lag(answers: list[Any]) -> None:
            age = now - self._block(answers[0]).at
            if age > _LARGEST_LAG:
                minutes = age // timedelta(minutes=1)
                raise Unavailable(self._source, f"the node's newest block is {minutes} minutes old")

        newest = self._block(self.ask([latest], refuse_lag)[0])
        return self.block(max(newest.number - self.chain.confirmations, 0))

    def block(self, number: int) -> Block:
        """The block of that number. Raises as `ask` does."""
        question = Question("eth_getBlockByNumber", (hex(number), False))
        return self._block(self.ask([question], lambda answers: self._block(answers[0]))[0])

    def _block(self, answer: Any) -> Block:
        try:
            at = datetime.fromtimestamp(int(answer["timestamp"], 16), UTC)
            return Block(int(answer["number"], 16), str(answer["hash"]), at)
        except (TypeError, KeyError, ValueError, OverflowError, OSError):
            raise BadPayload(self._source, "the answer is no block", repr(answer)) from None

    @property
    def _source(self) -> str:
        return str(self.chain.blockchain)

    def _ask_one(self, url: str, questions: Sequence[Question]) -> list[Any]:
        wanted = list(questions)
        is_new = self.chain.chain_id is not None and url not in self._believed
        if is_new:
            wanted.insert(0, Question("eth_chainId"))
        answers = self._send(url, wanted)
        if is_new:
            if _number(answers[0]) != self.chain.chain_id:
                raise BadPayload(self._source, f"{_host(url)} is a node of another chain")
            self._believed.add(url)
            answers = answers[1:]
        return answers

    def _send(self, url: str, questions: Sequence[Question]) -> list[Any]:
        body = [
            {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(parameters)}
            for method, parameters in questions
        ]
        self.requests += 1
        answer = outbound.ask(
            self._http, self._source, url, body=body if len(body) > 1 else body[0]
        )
        answers = answer if isinstance(answer, list) else [answer]
        by_id = {each.get("id"): each for each in answers if isinstance(each, dict)}
        if None in by_id:  # a refusal of the whole request
            return [self._result(by_id[None])]
        return [self._result(by_id.get(each["id"])) for each in body]

    def _result(self, answer: Any) -> Any:
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise BadPayload(self._source, "the answer is none of JSON-RPC", repr(answer))
        error = answer.get("error")
        if error is None:
            return answer.get("result")
        code, message = _told(error)
        if code in _LIMIT_CODES or "rate limit" in message.lower():
            raise RateLimited(self._source, message)
        if code == 3 or "revert" in message or "gas" in message or "timeout" in message:  # noqa: PLR2004  reverted, as nodes agree to say
            raise CallFailed(self._source, message)
        raise Unavailable(self._source, f"{code}: {message}")


def _told(error: Any) -> tuple[int | None, str]:
    if not isinstance(error, dict):
        return None, str(error)[:200]
    code = error.get("code")
    return (code if isinstance(code, int) else None), str(error.get("message"))[:200]


def _number(value: Any) -> int | None:
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        return None


def _host(url: str) -> str:
    return httpx2.URL(url).host
