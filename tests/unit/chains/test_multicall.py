"""Plans run side by side in shared rounds; amounts become units or nothing."""

import hashlib
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.chains import multicall
from coinsphere.chains.blockchains import CHAINS, Blockchain
from coinsphere.chains.model import amount
from coinsphere.chains.multicall import Call, Plan
from coinsphere.chains.rpc import CallFailed, Node
from tests.fakes.evm.chain import ARTIFACTS

CONTRACTS = Path(__file__).parents[2] / "fakes" / "evm" / "contracts"


def counting(rounds: int, name: str) -> Plan[list[int]]:
    """Asks in so many rounds, each time one call of its own and one that all ask."""
    heard = []
    for number in range(rounds):
        own, shared = yield [Call(name, f"own{number}()"), Call("shared", f"shared{number}()")]
        assert own is not None
        assert shared is not None
        heard.append(own[0] + shared[0])
    return heard


def test_plans_share_rounds_and_calls() -> None:
    asked: list[list[Call]] = []

    def ask(calls):
        asked.append(list(calls))
        return [(len(call.target),) for call in calls]

    done = multicall.run(
        {"a": counting(3, "a"), "b": counting(1, "bb"), "c": counting(0, "c")}, ask
    )
    assert done == {"a": [7, 7, 7], "b": [8], "c": []}
    assert [len(calls) for calls in asked] == [3, 2, 2]


def test_results_come_in_the_groups_that_were_asked() -> None:
    groups = [[Call("a", "one()")], [], [Call("bb", "one()"), Call("ccc", "one()")]]
    plans = {"only": multicall.grouped(groups)}
    done = multicall.run(plans, lambda calls: [(len(call.target),) for call in calls])
    assert done["only"] == [[(1,)], [], [(2,), (3,)]]


def test_an_answer_after_which_the_gas_had_run_out_is_not_believed() -> None:
    """The last call is ours and cannot fail: where it did, those before it may have failed for want of gas alone."""
    node = Node(CHAINS[Blockchain.ETHEREUM], [], httpx2.Client())
    call = Call("0x", "balanceOf(address)")

    def answer(successes: str) -> str:
        word = (5).to_bytes(32, "big")
        return (
            "0x" + encode(["(bool,bytes)[]"], [[(each == "y", word) for each in successes]]).hex()
        )

    assert multicall._results([call, call], answer("yny"), node) == [(5,), None]
    for wrong in (answer("yyn"), answer("yy"), "0x", None, "0xzz"):
        with pytest.raises(CallFailed):
            multicall._results([call, call], wrong, node)


def test_nested_types_are_split_at_the_outermost_commas() -> None:
    assert multicall._split("(address,bool,bytes)[],uint256") == (
        "(address,bool,bytes)[]",
        "uint256",
    )
    assert multicall._split("") == ()
    # As every wallet knows it.
    assert Call("0x", "balanceOf(address)", ("0x" + "0" * 40,)).data()[:4].hex() == "70a08231"


@pytest.mark.parametrize("data", [b"", b"\x01", b"\xff" * 31])
def test_an_answer_that_is_none_is_nothing(data: bytes) -> None:
    assert Call("0x", "balanceOf(address)").read(data) is None


@given(st.binary(max_size=200))
def test_no_answer_of_a_contract_breaks_the_reader(data: bytes) -> None:
    for returns in (("string",), ("uint8",), ("address[]",), ("(uint8,address)[]",)):
        Call("0x", "f()", (), returns).read(data)


@pytest.mark.parametrize(
    ("raw", "decimals", "units"),
    [
        (1, 18, "0.000000000000000001"),
        (1_500_000, 6, "1.5"),
        (0, None, "0"),
        (5, None, None),
        (5, 255, None),
        (10**24, 24, "1"),
        (1, 24, "0"),
        (10**38 - 1, 18, "99999999999999999999.999999999999999999"),
        (10**38, 18, None),
        (2**256 - 1, 18, None),
        (7, 0, "7"),
    ],
)
def test_amounts_are_exact_or_unknown(raw: int, decimals: int | None, units: str | None) -> None:
    assert amount(raw, decimals) == (None if units is None else Decimal(units))


def test_the_contracts_of_the_tests_are_those_that_were_compiled() -> None:
    sources = {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in CONTRACTS.glob("*.vy")
    }
    assert {name: each["sha256"] for name, each in ARTIFACTS.items()} == sources
