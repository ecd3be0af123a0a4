"""Deterministic CBOR (RFC 8949, section 4.2.1), as docs/FORMATS.md of Precinto demands it.

Structures are lists in the order of their fields, enumerations their numbers, absent trailing
fields are left out.
"""

from __future__ import annotations

from typing import Any

import cbor2

from precinto.decode import unexpected


def encode(value: object) -> bytes:
    """The one encoding of `value`."""
    return cbor2.dumps(value, canonical=True)


def decode(encoded: bytes) -> Any:
    """What was encoded; a result in another than the one encoding is refused."""
    try:
        value = cbor2.loads(encoded)
    except (cbor2.CBORError, ValueError, EOFError) as error:
        raise unexpected(f"no CBOR: {error}") from error
    if encode(value) != encoded:
        raise unexpected("CBOR that is not deterministic")
    return value
