"""A real EVM in memory with contracts at their addresses of the main network, behind a server that speaks JSON-RPC."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from eth_abi.abi import encode
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak

from coinsphere.chains.blockchains import CHAINS

# py-evm raises it so far that a nested answer overruns the stack of C instead of being refused, as it is in production.
sys.setrecursionlimit(1_000)

ARTIFACTS = json.loads((Path(__file__).parent / "contracts" / "artifacts.json").read_text())
_GAS = 29_000_000


class Chain:
    """The EVM: `contracts` says which of ours lies at which address, from the first block on."""

    def __init__(self, contracts: dict[str, str]) -> None:
        self._kinds = contracts
        self._lock = Lock()
        code = {
            to_canonical_address(address): {
                "balance": 0, "nonce": 1, "storage": {},
                "code": bytes.fromhex(ARTIFACTS[kind]["runtime"].removeprefix("0x")),
            }
            for address, kind in contracts.items()
        }  # fmt: skip
        accounts = PyEVMBackend.generate_genesis_state(num_accounts=2)
        self.tester = EthereumTester(PyEVMBackend(genesis_state={**accounts, **code}))
        self.rich = self.tester.get_accounts()[0]

    def send(self, address: str, function: str, *arguments: Any) -> None:
        """Call a function of one of our contracts in a transaction, which makes a block."""
        entry = next(
            each for each in ARTIFACTS[self._kinds[address]]["abi"] if each.get("name") == function
        )
        types = [collapse_if_tuple(each) for each in entry["inputs"]]
        data = keccak(text=f"{function}({','.join(types)})")[:4] + encode(types, arguments)
        with self._lock:
            self.tester.send_transaction(
                {"from": self.rich, "to": address, "gas": _GAS, "data": "0x" + data.hex()}
            )

    def give(self, address: str, wei: int) -> None:
        """Send coins."""
        with self._lock:
            self.tester.send_transaction(
                {"from": self.rich, "to": address, "gas": 21_000, "value": wei}
            )

    @property
    def height(self) -> int:
        """The number of the newest block."""
        return int(self.tester.get_block_by_number("latest")["number"])

    def answer(self, method: str, parameters: list[Any]) -> Any:
        """The answer to a call of the protocol."""
        with self._lock:
            if method == "eth_blockNumber":
                return hex(self.height)
            if method == "eth_getBlockByNumber":
                number = int(parameters[0], 16)
                return {
                    "number": parameters[0],
                    "hash": self.tester.get_block_by_number(number)["hash"],
                }
            if method == "eth_call":
                asked, block = parameters
                number = block if block == "latest" else int(block, 16)
                call = {"from": self.rich, "to": asked["to"], "data": asked["data"], "gas": _GAS}
                return self.tester.call(call, number)
        raise LookupError(method)


@dataclass
class NodeServer:
    """A node; tests set what goes wrong: statuses and bodies to be given instead of answers, one a request."""

    chain: Chain | None
    chain_id: int = 1
    url: str = ""
    faults: list[tuple[int, bytes]] = field(default_factory=list)
    requests: list[list[str]] = field(default_factory=list)
    delay: float = 0.0
    newest: datetime = datetime(2100, 1, 1, tzinfo=UTC)
    """When it says that its newest block was made: for the clocks of most tests it is never old."""
    hashes: dict[int, str] = field(default_factory=dict)
    """What it says of blocks instead of the truth."""

    def reply(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of an answer."""
        time.sleep(self.delay)
        asked = json.loads(body)
        questions = asked if isinstance(asked, list) else [asked]
        self.requests.append([each["method"] for each in questions])
        if self.faults:
            return self.faults.pop(0)
        answers = [self._one(each) for each in questions]
        return 200, json.dumps(answers if isinstance(asked, list) else answers[0]).encode()

    def _one(self, question: dict[str, Any]) -> dict[str, Any]:
        head = {"jsonrpc": "2.0", "id": question["id"]}
        if question["method"] == "eth_chainId":
            return {**head, "result": hex(self.chain_id)}
        assert self.chain is not None
        if question["method"] == "eth_getBlockByNumber":
            return {**head, "result": self._block(self.chain, question["params"][0])}
        try:
            return {**head, "result": self.chain.answer(question["method"], question["params"])}
        except TransactionFailed as error:
            return {**head, "error": {"code": 3, "message": f"execution reverted: {error}"}}
        except LookupError:
            return {**head, "error": {"code": -32601, "message": "method not found"}}

    def _block(self, chain: Chain, which: str) -> dict[str, Any]:
        """A block. So many lie above the newest one of the chain that this one may be read."""
        confirmations = next(
            each.confirmations for each in CHAINS.values() if each.chain_id == self.chain_id
        )
        at = hex(int(self.newest.timestamp()))
        if which == "latest":
            return {"number": hex(chain.height + confirmations), "hash": "0xff", "timestamp": at}
        found = chain.answer("eth_getBlockByNumber", [which])
        return {**found, "hash": self.hashes.get(int(which, 16), found["hash"]), "timestamp": at}


@contextmanager
def served(server: NodeServer) -> Iterator[NodeServer]:
    """Answer on a free port until the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # head and body in one packet: else the second waits 40 ms for an acknowledgement

        def do_POST(self) -> None:
            status, body = server.reply(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listener.server_address[1]}"
    Thread(target=listener.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
