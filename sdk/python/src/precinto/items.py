"""One item's result in the answer to a request of many."""

from __future__ import annotations

from typing import Any

from precinto.decode import read
from precinto.transport import problem_error
from precinto.types import ItemResult, Transaction


def item_result(item: Any) -> ItemResult:
    """Its transaction, or why there is none (not raised: the other items have results too)."""
    return problem_error(item["error"]) if "error" in item else read(Transaction, item)
