"""The own implementation of the formats against the ledger's golden vectors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from precinto import Call, PrecintoError, Signer, lookup_tag, read_secret
from precinto.cbor import decode, encode
from precinto.signer import MAX_STATEMENT_BYTES, Statement

VECTORS = Path(__file__).parents[3] / "schemas" / "vectors"


def vectors(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text())


STATEMENTS = vectors("statement")
OWN = [it for it in STATEMENTS["statements"] if it["pseudonym"] is None]


def call_of(vector: dict[str, Any]) -> Call:
    return Call(
        contract=vector["contract"],
        contract_version=vector["contract_version"],
        method=vector["method"],
        args=bytes.fromhex(vector["args"]),
        expires_ms=vector["expires_ms"],
        nonce=bytes.fromhex(vector["nonce"]),
    )


@pytest.mark.parametrize("vector", OWN, ids=[it["name"] for it in OWN])
def test_statements_are_byte_for_byte_those_of_the_ledger(vector: dict[str, Any]) -> None:
    signer = Signer(bytes.fromhex(STATEMENTS["seed"]), vector["channel"])
    assert signer.key_id.hex() == STATEMENTS["key_id"]
    statement = signer.sign(call_of(vector))
    assert statement.encoded.hex() == vector["encoded"]
    assert statement.id == vector["id"]


def test_there_are_vectors() -> None:
    assert OWN


def test_a_transaction_is_a_statement_without_endorsements() -> None:
    alone = next(it for it in vectors("transaction")["transactions"] if not it["endorser_seeds"])
    statement = Statement(bytes.fromhex(alone["statement"]), alone["id"])
    assert statement.transaction().hex() == alone["encoded"]


def test_lookup_tags() -> None:
    tags = vectors("tag")
    for tag in tags["tags"]:
        assert lookup_tag(bytes.fromhex(tags["key"]), tag["scheme"], tag["normalized"]) == tag["tag"]


def test_a_nonce_makes_calls_differ_and_its_repetition_makes_them_one() -> None:
    signer = Signer(bytes(32), "00" * 32)
    call = Call(contract="aeo", contract_version=1, method="certify", args=b"\x80", expires_ms=1)
    assert signer.sign(call) == signer.sign(call)
    other = replace(call, nonce=bytes(16))
    assert signer.sign(other).id != signer.sign(call).id


def test_what_no_node_takes_is_refused_before_it_is_sent() -> None:
    signer = Signer(bytes(32), "00" * 32)
    call = Call(
        contract="aeo",
        contract_version=1,
        method="certify",
        args=bytes(MAX_STATEMENT_BYTES),
        expires_ms=1,
    )
    with pytest.raises(ValueError, match="at most 61440 bytes"):
        signer.sign(call)


def test_cbor_has_one_encoding() -> None:
    assert encode([1, b"x", "y", None, True, {2: 0, 1: -8}]).hex() == "8601417861" + "79f6f5a201270200"
    assert decode(bytes.fromhex("1864")) == 100
    for twisted in ["1801", "9f01ff", "a202000100", "", "0101", "ff"]:
        with pytest.raises(PrecintoError, match="unexpected-answer"):
            decode(bytes.fromhex(twisted))


def test_a_secret_that_others_may_read_is_none(tmp_path: Path) -> None:
    file = tmp_path / "admin.key"
    file.write_text("07" * 32 + "\n")
    file.chmod(0o640)
    with pytest.raises(PermissionError, match="chmod 600"):
        read_secret(file)
    file.chmod(0o600)
    assert read_secret(file) == bytes([7] * 32)
    file.write_text("0707")
    with pytest.raises(ValueError, match="64 hexadecimal"):
        read_secret(file)
