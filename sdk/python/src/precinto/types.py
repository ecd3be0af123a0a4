"""What a node answers about the ledger. Times have a zone (UTC), keys and hashes are lower-case hex."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from precinto.cbor import decode
from precinto.errors import PrecintoError


class Consistency(StrEnum):
    """How fresh an answer must be."""

    LOCAL = "local"
    """The node's applied state, however old."""
    LINEARIZABLE = "linearizable"
    """Not older than the request: confirmed with a quorum."""


class Status(StrEnum):
    """Status of a transaction as one node knows it."""

    UNKNOWN = "unknown"
    """The node has never seen it."""
    PENDING = "pending"
    """Accepted, not yet final."""
    COMMITTED = "committed"
    """Executed; its writes are in the state."""
    REJECTED = "rejected"
    """Executed and refused, with a code."""
    EXPIRED = "expired"
    """Ledger time passed its expiry without it being executed."""

    @property
    def is_final(self) -> bool:
        """Whether it can no longer change."""
        return self in (Status.COMMITTED, Status.REJECTED, Status.EXPIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer about the ledger, and when it was true."""

    height: int
    """Height of the state that was read."""
    time: datetime
    """Ledger time of that height."""
    age: timedelta
    """How long ago that was by the node's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What a node knows of a transaction."""

    id: str
    status: Status
    code: str | None
    """Why it was rejected."""
    message: str | None
    """What the contract said about it."""
    height: int | None
    """Height of its block."""
    index: int | None
    """Index in its block."""
    time: datetime | None
    """Ledger time of its block."""
    leaf: int | None
    """Index of its outcome leaf in the log."""
    result: bytes | None
    """The contract's result (CBOR)."""
    author: str | None
    """Id of the author's key."""
    member: str | None
    """The author's member."""


ItemResult = Transaction | PrecintoError
"""What became of one item of a request: its transaction, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus(Answer):
    """A node now."""

    network: str
    """Name of network and channel."""
    channel: str
    """Genesis hash of the channel: what transactions are signed for."""
    epoch: int
    """Quorum-loss recoveries so far."""
    node: int
    """The node's id."""
    member: str
    role: str
    """`voter` or `learner`."""
    raft_role: str
    """`leader`, `follower` or `candidate`."""
    leader: int | None
    """Id of the leader, where known."""
    log_size: int
    """Leaves in the log."""
    log_root: str
    state_root: str
    protocol_version: int
    halted: str | None
    """Why the node no longer executes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether a node can serve."""

    ready: bool
    """A settled leader is known, execution keeps up, nothing is halted, disk and clock are in order."""
    leader_known: bool
    leader_settled: bool
    """Whether the leader has committed in its term; until then linearizable reads are refused."""
    lag: int
    """Committed Raft entries not executed yet."""
    halted: str | None
    disk_full: bool
    """The disk is full: the node answers, and takes no writes."""
    clock_off: bool
    """The node's clock is wrong, by the clocks of a majority of the voters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An administration."""

    id: str
    name: str
    country: str
    """ISO 3166-1 alpha-2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Members(Answer):
    """The channel's members."""

    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A contract's method and who may call it."""

    name: str
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract's active version."""

    name: str
    version: int
    """Version that a call must expect."""
    code_hash: str
    """SHA-256 of the WASM module."""
    methods: tuple[Method, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contracts(Answer):
    """The active contracts, by name."""

    contracts: tuple[Contract, ...]

    def version_of(self, contract: str) -> int:
        """The version that a call of `contract` must expect; `KeyError` if there is none."""
        return {it.name: it.version for it in self.contracts}[contract]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Answer):
    """What a query gave."""

    result: bytes
    """CBOR, defined by the query."""

    @property
    def value(self) -> Any:
        """The result, decoded."""
        return decode(self.result)
