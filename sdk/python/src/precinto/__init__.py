"""Client of Precinto, a permissioned ledger for customs administrations.

Mental model: a `Client` talks to one node, of one's own administration, as one of its accounts.
Queries are answered from that node's state and say when they were true; officers' commands
(`Client.aeo`) are signed by the node; programs with a key of their own sign statements (`Signer`)
and submit them. `Client.events` follows what is committed. Every failure is a `PrecintoError`
with a code, a hint and whether trying again can help.
"""

from precinto.aeo import Aeo
from precinto.aeo_forms import Amendment, BatchMode, Certification, Change, Decision, When
from precinto.aeo_types import (
    Action,
    AeoStatus,
    AeoType,
    Alias,
    AliasMode,
    Authorization,
    Benefit,
    Found,
    FoundOperator,
    HistoryEntry,
    Identifier,
    Mra,
    MraTerms,
    Page,
    PairActivation,
    PendingAction,
    ReasonClass,
    Role,
    Scheme,
    Standing,
    StandingAuthorization,
    Transition,
)
from precinto.client import Client
from precinto.errors import PrecintoError, Retry
from precinto.events import Event
from precinto.signer import Call, Signer, Statement, lookup_tag, read_secret
from precinto.transport import Retries
from precinto.types import (
    Consistency,
    Contracts,
    Evaluation,
    ItemResult,
    Members,
    NodeStatus,
    Readiness,
    Status,
    Transaction,
)

__all__ = [
    "Action",
    "Aeo",
    "AeoStatus",
    "AeoType",
    "Alias",
    "AliasMode",
    "Amendment",
    "Authorization",
    "BatchMode",
    "Benefit",
    "Call",
    "Certification",
    "Change",
    "Client",
    "Consistency",
    "Contracts",
    "Decision",
    "Evaluation",
    "Event",
    "Found",
    "FoundOperator",
    "HistoryEntry",
    "Identifier",
    "ItemResult",
    "Members",
    "Mra",
    "MraTerms",
    "NodeStatus",
    "Page",
    "PairActivation",
    "PendingAction",
    "PrecintoError",
    "Readiness",
    "ReasonClass",
    "Retries",
    "Retry",
    "Role",
    "Scheme",
    "Signer",
    "Standing",
    "StandingAuthorization",
    "Statement",
    "Status",
    "Transaction",
    "Transition",
    "When",
    "lookup_tag",
    "read_secret",
]
