"""Wallets: a thousand token balances of one address against a local node that answers from a table."""

import statistics
import subprocess
import sys
import time

from bench.measure import Measure
from coinsphere.chains import multicall
from coinsphere.chains.blockchains import CHAINS, NATIVE, Blockchain
from coinsphere.chains.evm import balances
from coinsphere.chains.model import TokenFacts
from coinsphere.chains.rpc import Node
from coinsphere.network import outbound

TOKENS = 1_000
_RUNS = 7
_OWNER = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"

# A node of another process: its time on the other core is not ours, as a real one's would not be. It decodes a
# multicall by position and gives each call the last bytes of its contract's address as a balance.
_NODE = """
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from eth_abi.abi import decode, encode

def one(question):
    method = question["method"]
    if method == "eth_chainId":
        return "0x1"
    if method == "eth_blockNumber":
        return "0x10"
    data = bytes.fromhex(question["params"][0]["data"][10:])
    (calls,) = decode(["(address,bool,bytes)[]"], data)
    answers = [(True, int(target[-8:], 16).to_bytes(32, "big")) for target, _, _ in calls]
    return "0x" + encode(["(bool,bytes)[]"], [answers]).hex()

kept = {}

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        all_ = asked if isinstance(asked, list) else [asked]
        def answer(each):
            key = json.dumps([each["method"], each["params"]])
            if key not in kept:
                kept[key] = one(each)
            return {"jsonrpc": "2.0", "id": each["id"], "result": kept[key]}
        found = [answer(each) for each in all_]
        body = json.dumps(found if isinstance(asked, list) else found[0]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def run() -> list[Measure]:
    """The time of a thousand balances, the median of seven, and how many requests they took."""
    with subprocess.Popen(
        [sys.executable, "-c", _NODE], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
            taken, requests = zip(*(_read(url) for _ in range(_RUNS)), strict=True)
        finally:
            process.kill()
    return [
        Measure("a thousand token balances", statistics.median(taken), "s", 1.0),
        Measure("requests for a thousand token balances", max(requests), "requests", 10),
    ]


def _read(url: str) -> tuple[float, int]:
    """Seconds and requests, from the first question on to the last balance."""
    tokens = {f"0x{number + 1:040x}": TokenFacts("T", 18) for number in range(TOKENS)}
    with outbound.client(is_private_allowed=True) as http:
        node = Node(CHAINS[Blockchain.ETHEREUM], [url], http)
        start = time.perf_counter()
        block = int(node.call("eth_blockNumber"), 16)
        plans = {"": balances(_OWNER, {NATIVE: TokenFacts("ETH", 18), **tokens})}
        found = multicall.run(plans, multicall.asker(node, block))[""]
        seconds = time.perf_counter() - start
    held = {contract: each.raw for contract, each in found.items() if each is not None}
    assert all(held[contract] == int(contract, 16) for contract in tokens)
    return seconds, node.requests
