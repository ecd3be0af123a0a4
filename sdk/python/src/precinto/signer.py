"""Signing transactions with a key of one's own, as docs/FORMATS.md of Precinto says."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from precinto.cbor import encode

MAX_STATEMENT_BYTES = 61_440
"""No node takes a larger one."""

_SEED_BYTES = 32
_NONCE_BYTES = 16
_COSE_SIGN1 = b"\xd2"  # CBOR tag 18
_EDDSA = -8
_CONTENT_TYPE = "application/precinto-call+cbor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a contract's method, to be signed."""

    contract: str
    contract_version: int
    """Its active version (`Client.contracts`)."""
    method: str
    args: bytes
    """Encoded arguments (`precinto.cbor.encode`)."""
    expires_ms: int
    """Ledger time after which it must not be executed, at most ten minutes ahead; since 1970."""
    nonce: bytes = field(default_factory=lambda: os.urandom(_NONCE_BYTES))
    """Makes two otherwise equal calls different transactions; keep it to sign the same again."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A signed call."""

    encoded: bytes
    id: str
    """Id of its transaction: a statement that is sent again is the same transaction."""

    def transaction(self) -> bytes:
        """The encoded transaction without endorsements."""
        return encode([self.encoded, []])


class Signer:
    """An Ed25519 key and the channel it signs for."""

    def __init__(self, seed: bytes, channel: str) -> None:
        """Signs with the key of a 32-byte seed, for the channel of this genesis hash."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._channel = bytes.fromhex(channel)
        self.public_key: bytes = self._key.public_key().public_bytes_raw()
        self.key_id: bytes = tagged("precinto/key-id", self.public_key)

    @classmethod
    def from_file(cls, path: str | Path, channel: str) -> Signer:
        """Signs with the key of a file of 64 hexadecimal characters, which only its owner may read."""
        return cls(read_secret(path), channel)

    def possession(self, member: str) -> bytes:
        """Shows that whoever enrols this key for a member holds it (argument of `enrol`)."""
        content = self._channel + self.public_key + member.encode("ascii")
        return self._key.sign(tagged("precinto/key-possession", content))

    def sign(self, call: Call) -> Statement:
        """The signed statement of a call."""
        protected = encode({1: _EDDSA, 3: _CONTENT_TYPE, 4: self.key_id})
        payload = encode(
            [
                self._channel,
                call.contract,
                call.contract_version,
                call.method,
                call.args,
                call.nonce,
                call.expires_ms,
            ]
        )
        structure = encode(["Signature1", protected, b"", payload])
        signature = self._key.sign(structure)
        encoded = _COSE_SIGN1 + encode([protected, {}, payload, signature])
        if len(encoded) > MAX_STATEMENT_BYTES:
            message = f"a statement has at most {MAX_STATEMENT_BYTES} bytes, not {len(encoded)}"
            raise ValueError(message)
        return Statement(encoded, tagged("precinto/transaction", structure).hex())


def tagged(tag: str, content: bytes) -> bytes:
    """SHA-256 of content in a domain of its own."""
    name = tag.encode("ascii")
    return hashlib.sha256(bytes([len(name)]) + name + content).digest()


def lookup_tag(lookup_key: bytes, scheme: str, identifier: str) -> str:
    """The tag under which a channel's ledger knows an operator.

    `identifier` must be normalized: `client.aeo.find` does so, and gives the tag without the key.
    """
    name = scheme.encode("ascii")
    content = b"precinto/lookup-tag" + len(name).to_bytes(4, "big") + name + identifier.encode()
    return hmac.new(lookup_key, content, hashlib.sha256).hexdigest()


def read_secret(path: str | Path) -> bytes:
    """The 32 bytes of a secret file, which only its owner may read."""
    file = Path(path)
    if file.stat().st_mode & 0o077:
        message = f"{file} may be read by others: run `chmod 600 {file}`"
        raise PermissionError(message)
    secret = bytes.fromhex(file.read_text(encoding="ascii"))
    if len(secret) != _SEED_BYTES:
        message = f"{file} must hold {2 * _SEED_BYTES} hexadecimal characters"
        raise ValueError(message)
    return secret
