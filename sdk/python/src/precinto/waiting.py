"""How long a request waits for its transaction to be final."""

from __future__ import annotations

LONGEST_WAIT = 30.0
"""Seconds a node lets a request wait; `Client.wait` asks again."""


def wait_query(wait: float | None) -> dict[str, str | int | None]:
    """Parameters of a request that waits up to `wait` seconds; `None` for not at all."""
    if wait is None:
        return {}
    return {"wait": "committed", "timeout_ms": int(min(wait, LONGEST_WAIT) * 1000)}
