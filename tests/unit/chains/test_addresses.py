"""Addresses in one spelling, and what must never be given to anybody recognised."""

import csv
import json
import re
from importlib import resources

import pytest
from embit import bip32, bip39
from eth_utils.address import is_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.chains import addresses, private_material
from coinsphere.chains.blockchains import EVM, Blockchain
from coinsphere.chains.errors import AddressRefused, SecretRefused, WalletRefused

VITALIK = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
BECH32 = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
ROOT = bip32.HDKey.from_seed(bip39.mnemonic_to_seed(bip39.mnemonic_from_bytes(bytes(16))))
XPUB = ROOT.to_public().to_base58()


@pytest.mark.parametrize(
    ("blockchain", "text", "kept"),
    [
        ("ethereum", VITALIK.lower(), VITALIK),
        ("base", "0x" + VITALIK[2:].upper(), VITALIK),
        ("bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        ("bitcoin", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
        ("bitcoin", BECH32.upper(), BECH32),
        ("bitcoin", XPUB, XPUB),
        ("solana", "So11111111111111111111111111111111111111112", "So11111111111111111111111111111111111111112"),
    ],
)  # fmt: skip
def test_an_address_is_kept_as_its_chain_writes_it(blockchain: str, text: str, kept: str) -> None:
    assert addresses.normalise(Blockchain(blockchain), text) == kept


@pytest.mark.parametrize(
    ("blockchain", "text"),
    [
        ("ethereum", VITALIK.replace("dA", "Da")),
        ("ethereum", VITALIK + " "),
        ("ethereum", BECH32),
        ("bitcoin", BECH32[:-1] + "p"),
        ("bitcoin", BECH32[0].upper() + BECH32[1:]),
        ("bitcoin", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"),
        ("bitcoin", XPUB[:-1] + "1"),
        ("bitcoin", ""),
        ("solana", VITALIK),
        ("solana", "O" * 43),
    ],
)
def test_what_is_none_is_refused_without_being_repeated(blockchain: str, text: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        addresses.normalise(Blockchain(blockchain), text)
    assert not text or text not in str(caught.value)


@given(st.sampled_from(Blockchain), st.text(max_size=120))
def test_no_text_breaks_the_check(blockchain: Blockchain, text: str) -> None:
    with pytest.raises(WalletRefused):
        addresses.normalise(blockchain, text)


SECRETS = {
    "twelve words": bip39.mnemonic_from_bytes(bytes(16)),
    "twenty-four words": bip39.mnemonic_from_bytes(bytes(range(32))),
    "words with numbers": " ".join(
        f"{number}. {word}" for number, word in enumerate(bip39.mnemonic_from_bytes(bytes(range(16))).split())
    ),
    "words in lines": bip39.mnemonic_from_bytes(bytes(range(16))).replace(" ", "\n"),
    "words in a sentence": f"my seed is {bip39.mnemonic_from_bytes(bytes(range(16)))} do not tell",
    "words with a typing error": bip39.mnemonic_from_bytes(bytes(range(16))).replace("abandon", "abandn", 1),
    "xprv": ROOT.to_base58(),
    "zprv": ROOT.to_base58(version=bytes.fromhex("04b2430c")),
    "WIF": ROOT.key.wif(),
    "WIF without compression": "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
    "hex": ROOT.key.secret.hex() if hasattr(ROOT.key, "secret") else "4c" * 32,
    "hex with prefix": "0x" + "4c" * 32,
    "hex in a sentence": f"key={'Ab' * 32};",
    "a Solana key": "4Z7cXSyeFR8wNGMVXUE1TwtKn5D5Vu7FzEv69dokLv7KrQk7h6pu4LF8ZRR9yQBhc7uSM6RTTZtU1fmaxiNrxXrs",
    "a Solana file": json.dumps(list(range(64))),
}  # fmt: skip


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_recognised_in_any_dress(kind: str) -> None:
    with pytest.raises(SecretRefused) as caught:
        private_material.refuse(None, "label", SECRETS[kind])
    assert SECRETS[kind] not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        VITALIK, BECH32, XPUB, "0x" + "ab" * 65, "My cold wallet, the one in the drawer at home under all those socks",
        "So11111111111111111111111111111111111111112", "[1, 2, 3]", "",
        "Show Coinsphere that this wallet is yours. It costs nothing and moves nothing.",
    ],
)  # fmt: skip
def test_what_is_none_is_let_through(text: str) -> None:
    assert not private_material.is_secret(text)


def test_every_contract_that_we_name_has_its_checksum() -> None:
    """A mistyped digit would read another contract."""
    text = (resources.files("coinsphere.defi") / "deployments.py").read_text()
    named = re.findall(r"0x[0-9a-fA-F]{40}", text)
    listed = (resources.files("coinsphere.chains") / "tokens.csv").read_text().splitlines()
    named += [row["contract"] for row in csv.DictReader(listed) if row["blockchain"] in EVM]
    assert len(named) > 50
    assert [address for address in named if not is_checksum_address(address)] == []
