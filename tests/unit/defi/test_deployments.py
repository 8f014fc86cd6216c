"""The catalogue of contracts: every address is spelled with its checksum, so a wrong letter shows, and stands once."""

import re
from collections import Counter
from dataclasses import fields, is_dataclass
from importlib import resources

import pytest
from eth_utils.address import is_checksum_address

from coinsphere.chains.blockchains import MULTICALL3, Blockchain
from coinsphere.defi import deployments
from coinsphere.defi.deployments import DEPLOYMENTS

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def addresses(value: object) -> list[str]:
    """Every address within a reader."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [found for each in value for found in addresses(each)]
    assert is_dataclass(value)
    return [found for field in fields(value) for found in addresses(getattr(value, field.name))]


LISTED = [
    (chain, slug, address)
    for chain, readers in DEPLOYMENTS.items()
    for slug, reader in readers.items()
    for address in addresses(reader)
]


@pytest.mark.parametrize(("chain", "slug", "address"), LISTED)
def test_an_address_of_a_protocol_is_spelled_with_its_checksum(
    chain: Blockchain, slug: str, address: str
) -> None:
    assert _ADDRESS.fullmatch(address), (chain, slug)
    assert is_checksum_address(address), (chain, slug)


def test_no_protocol_names_an_address_twice() -> None:
    assert [key for key, times in Counter(LISTED).items() if times > 1] == []


def test_addresses_of_tokens_and_of_the_multicall_are_spelled_with_their_checksum() -> None:
    text = (resources.files("coinsphere.chains") / "tokens.csv").read_text(encoding="utf-8")
    found = [*_ADDRESS.findall(text), MULTICALL3]
    assert len(found) > 25
    assert [each for each in found if not is_checksum_address(each)] == []


def test_only_protocols_without_a_list_of_their_pools_are_told_what_was_ticked() -> None:
    told = deployments.of(Blockchain.ETHEREUM, ["0xlisted"], ["0xticked"])
    usual = DEPLOYMENTS[Blockchain.ETHEREUM]
    assert {slug for slug in usual if told[slug] != usual[slug]} == {"balancer-v2", "sushiswap"}
    assert deployments.of(Blockchain.BITCOIN) == {}
