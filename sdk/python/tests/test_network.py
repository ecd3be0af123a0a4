"""The client against a real network."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from network import NODES, Network, eventually
from precinto import (
    Action,
    AeoStatus,
    AeoType,
    Amendment,
    BatchMode,
    Certification,
    Change,
    Client,
    Consistency,
    Decision,
    MraTerms,
    PairActivation,
    PrecintoError,
    Retry,
    Role,
    Standing,
    Status,
    Transaction,
    lookup_tag,
)

_COUNT = itertools.count(1)
OFFICER_ROLE = 2
IMPORTER_NUMBER = 1


def certification(**changes: object) -> Certification:
    """Of an operator and a number of its own."""
    own = next(_COUNT)
    values: dict[str, object] = {
        "scheme": "aeo",
        "identifier": f"PYTEST{own}",
        "number": f"PY-{own}",
        "types": ["AEOC", "AEOS"],
        "roles": ["importer", "exporter"],
        "valid_from": date(2020, 1, 1),
        "valid_until": date(2090, 12, 31),
        "consent": True,
        "publish": True,
    }
    return Certification(**{**values, **changes})  # type: ignore[arg-type]


def change(form: Certification, reason: str, **changes: object) -> Change:
    values: dict[str, object] = {
        "scheme": form.scheme,
        "identifier": form.identifier,
        "number": form.number,
        "reason": reason,
    }
    return Change(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def uruguay(network: Network) -> Iterator[Client]:
    with network.client(NODES["uy-dna"]) as client:
        yield client


@pytest.fixture
def chief(network: Network) -> Iterator[Client]:
    """The supervisor of Uruguay."""
    with network.client(NODES["uy-dna"], "supervisor") as client:
        yield client


@pytest.fixture
def brazil(network: Network) -> Iterator[Client]:
    with network.client(NODES["br-rfb"]) as client:
        yield client


def reached(client: Client, transaction: Transaction) -> None:
    """Waits until the client's node has executed the block of a transaction."""
    height = transaction.height
    assert height is not None
    eventually(f"height {height}", lambda: client.status().height >= height or None)


def test_a_node_tells_what_it_is(uruguay: Client) -> None:
    status = uruguay.status()
    assert (status.network, status.member, status.node) == ("dev", "uy-dna", 1)
    assert status.halted is None
    assert uruguay.readiness().ready
    assert [it.id for it in uruguay.members().members] == sorted(NODES)
    assert uruguay.contracts().version_of("aeo") == 1


def test_the_life_of_an_authorization(uruguay: Client, chief: Client, brazil: Client) -> None:
    form = certification()
    granted = uruguay.aeo.certify(form)
    assert granted.status is Status.COMMITTED
    amendment = Amendment(
        scheme=form.scheme,
        identifier=form.identifier,
        number=form.number,
        types=["AEOS"],
        roles=["importer"],
        valid_until=date(2091, 12, 31),
        consent=True,
        publish=True,
    )
    uruguay.aeo.amend(amendment)
    uruguay.aeo.suspend(change(form, "examination", reference="RES-1/26"))
    uruguay.aeo.reinstate(change(form, "criteria"))
    proposed = uruguay.aeo.revoke(change(form, "infringement"))
    (pending,) = [it for it in chief.aeo.pending() if it.number == form.number]
    assert (pending.action, pending.proposal) == (Action.REVOKE, proposed.id)
    decision = Decision(number=form.number, proposal=pending.proposal)
    done = chief.aeo.approve(decision)
    reached(brazil, done)

    found = brazil.aeo.find(form.scheme, form.identifier.lower())
    (authorization,) = found.authorizations
    assert authorization.standing is Standing.REVOKED
    assert not authorization.in_force
    assert authorization.status is AeoStatus.REVOKED
    assert authorization.types == ("AEOS",)
    assert authorization.identifier is not None
    assert authorization.identifier.value == form.identifier

    history = list(brazil.aeo.history(form.scheme, form.identifier, "uy-dna", form.number))
    assert history == list(brazil.aeo.history_of_number("uy-dna", form.number))
    expected = [Action.CERTIFY, Action.AMEND, Action.SUSPEND, Action.REINSTATE, Action.REVOKE]
    assert [entry.action for entry in history] == expected
    assert [entry.index for entry in history] == [0, 1, 2, 3, 4]
    assert (history[2].reason, history[2].reference) == ("examination", "RES-1/26")
    assert history[4].proposed_by is not None
    assert history[4].proposed_by.pseudonym != history[4].by.pseudonym
    assert history[0].transaction == granted.id

    then = history[2].recorded
    suspended = brazil.aeo.number("uy-dna", form.number, known=then)
    assert suspended.standing is Standing.SUSPENDED
    with pytest.raises(PrecintoError) as caught:
        uruguay.aeo.reinstate(change(form, "criteria"))
    assert caught.value.code == "terminal-status"
    assert caught.value.retry is Retry.NEVER
    assert caught.value.transaction is not None


def test_what_is_refused_says_why(uruguay: Client, network: Network) -> None:
    with pytest.raises(PrecintoError) as caught:
        uruguay.aeo.find("rut", "1")
    assert caught.value.code == "invalid-parameter"
    assert "uy-rut" in caught.value.detail
    auditor = network.client(NODES["uy-dna"], "auditor")
    with auditor, pytest.raises(PrecintoError, match="role-required"):
        auditor.aeo.certify(certification())
    with pytest.raises(PrecintoError, match="unknown-authorization"):
        uruguay.aeo.number("uy-dna", "NEVER-GRANTED")
    with Client(network.url(1), "no-token") as stranger, pytest.raises(PrecintoError, match="unauthorized"):
        stranger.status()


def test_many_rows_have_a_result_each(uruguay: Client) -> None:
    forms = [certification() for _ in range(1005)]
    refused = certification(number="not a number")
    results = list(uruguay.aeo.import_rows([*forms, refused], mode=BatchMode.SKIP_BAD, wait=30))
    assert len(results) == 1006
    committed = [it for it in results[:-1] if isinstance(it, Transaction) and it.status == "committed"]
    assert len(committed) == 1005
    assert isinstance(results[-1], PrecintoError)
    assert results[-1].code == "invalid-field"
    assert list(uruguay.aeo.import_rows([certification()], mode=BatchMode.CHECK)) == [None]

    numbers = {form.number for form in forms}
    listed = [it.number for it in uruguay.aeo.list(member="uy-dna", limit=64)]
    assert numbers <= set(listed)
    assert len(listed) == len(set(listed))

    changes = [(Action.SUSPEND, change(form, "solvency")) for form in forms[:3]]
    assert all(isinstance(it, Transaction) for it in uruguay.aeo.import_rows(changes))
    suspended = {it.number for it in uruguay.aeo.list(standing="suspended")}
    assert {form.number for form in forms[:3]} <= suspended


def test_pages_fit_together_while_others_write(uruguay: Client) -> None:
    forms = [certification() for _ in range(6)]
    list(uruguay.aeo.import_rows(forms))
    numbers = {form.number for form in forms}
    pages = uruguay.aeo.pages(member="uy-dna", limit=100)
    first = next(pages)
    assert first.next is not None
    uruguay.aeo.suspend(change(forms[-1], "examination"))
    late = certification()
    uruguay.aeo.certify(late)
    # Another client goes on where this one stopped.
    rest = list(uruguay.aeo.list(member="uy-dna", cursor=first.next))
    listed = {it.number: it for it in [*first.authorizations, *rest]}
    assert numbers <= set(listed)
    assert late.number not in listed
    assert listed[forms[-1].number].standing is Standing.VALID


def test_validity_that_ends_soon(uruguay: Client) -> None:
    today = datetime.now(UTC).date()
    soon = certification(valid_until=today + timedelta(days=20))
    uruguay.aeo.certify(soon)
    ending = [it.number for it in uruguay.aeo.list(ends_within_days=30)]
    assert soon.number in ending
    assert soon.number not in [it.number for it in uruguay.aeo.list(ends_within_days=10)]
    later = uruguay.aeo.list(ends_by=today + timedelta(days=20), effective=date(2080, 1, 1))
    assert [it.standing for it in later if it.number == soon.number] == [Standing.EXPIRED]


def test_aliases_lead_to_an_operator(uruguay: Client, brazil: Client) -> None:
    form = certification()
    uruguay.aeo.certify(form)
    alias, operator = ("duns", "15-048-3782"), (form.scheme, form.identifier)
    reached(brazil, uruguay.aeo.declare_alias(alias, operator, "common", publish=True))
    found = brazil.aeo.find(*alias)
    assert [it.number for it in found.authorizations] == [form.number]
    assert [it.mode for it in found.operators[0].via] == ["common"]
    (declared,) = brazil.aeo.aliases(*operator)
    assert declared.in_force
    assert declared.identifier is not None
    reached(brazil, uruguay.aeo.retire_alias(alias, operator))
    assert brazil.aeo.find(*alias).operators == ()
    (retired,) = brazil.aeo.aliases(*operator)
    assert retired.periods[0].end is not None


def test_a_benefit_is_due_until_it_is_not(network: Network, uruguay: Client, brazil: Client) -> None:
    form = certification()
    uruguay.aeo.certify(form)
    today = datetime.now(UTC).date()
    terms = MraTerms(
        id="uy-br-python",
        parties=("br-rfb", "uy-dna"),
        types=(AeoType.AEOS,),
        roles=(Role.IMPORTER,),
        needs_consent=True,
        valid_from=today - timedelta(days=2),
        activations=(PairActivation(a="br-rfb", b="uy-dna", start=today - timedelta(days=1)),),
    )
    with network.client(1, "supervisor") as chief, network.client(2, "supervisor") as partner:
        reached(partner, chief.aeo.propose_mra(terms))
        accepted = partner.aeo.accept_mra(terms.id)
        assert [it.member for it in partner.aeo.mra(terms.id).acceptances] == ["uy-dna", "br-rfb"]
        assert terms.id in [it.id for it in partner.aeo.mras()]

        def benefit(role: str = "importer") -> tuple[bool, str]:
            answer = brazil.aeo.benefit(
                terms.id, "uy-dna", form.scheme, form.identifier, role=role, type="AEOS"
            )
            assert answer.explanation
            return answer.due, answer.reason

        reached(brazil, accepted)
        assert benefit() == (True, "due")
        assert benefit("broker") == (False, "role-not-recognized")
        reached(brazil, uruguay.aeo.suspend(change(form, "security")))
        assert benefit() == (False, "suspended")
        reached(brazil, partner.aeo.leave_mra(terms.id))
        assert benefit() == (False, "mra-ended")


def test_events_tell_what_happened(uruguay: Client, brazil: Client) -> None:
    form = certification()
    granted = uruguay.aeo.certify(form)
    assert granted.height is not None
    reached(brazil, granted)
    events = brazil.events(since=granted.height, contract="aeo")
    certified = next(it for it in events if it.transaction == granted.id)
    assert certified.topic == "aeo.certified"
    assert certified.transition is not None
    assert certified.transition.authorization.number == form.number
    after = brazil.events(after=certified.cursor, topic="aeo.suspended")
    suspended = uruguay.aeo.suspend(change(form, "examination"))
    news = next(it for it in after if it.transaction == suspended.id)
    assert news.transition is not None
    assert news.transition.action is Action.SUSPEND
    assert (news.height, news.index) > (certified.height, certified.index)


def test_a_key_of_ones_own(network: Network, uruguay: Client) -> None:
    signer = network.enrol("uy-dna", os.urandom(32), OFFICER_ROLE)
    tag = lookup_tag(network.lookup_key(), "aeo", "OWNKEY1")
    terms = [[0], [IMPORTER_NUMBER], None, True]
    args = [bytes.fromhex(tag), "OWN-1", 18_262, terms]
    statement = uruguay.sign(signer, "aeo", "certify", args)
    assert uruguay.transaction(statement.id).status is Status.UNKNOWN
    done = uruguay.submit(statement, wait=20)
    assert (done.status, done.id, done.author) == (Status.COMMITTED, statement.id, signer.key_id.hex())
    again = uruguay.submit(statement, wait=20)
    assert (again.status, again.height) == (Status.COMMITTED, done.height)
    assert uruguay.wait(statement.id, timeout=1) == uruguay.transaction(statement.id)

    taken = [uruguay.sign(signer, "aeo", "certify", args) for _ in range(2)]
    results = uruguay.submit_many(taken, wait=20)
    assert [it.code for it in results if isinstance(it, Transaction)] == ["number-taken"] * 2

    answer = uruguay.evaluate("aeo", "number", ["uy-dna", "OWN-1"], consistency=Consistency.LINEARIZABLE)
    assert answer.value[0][0] == bytes.fromhex(tag)
    assert uruguay.aeo.find("aeo", "own-1").tag != tag
    assert uruguay.aeo.find("aeo", "own-key-1").tag == tag


def test_frames(uruguay: Client) -> None:
    pd = pytest.importorskip("pandas")
    form = certification(valid_until=None, publish=False)
    uruguay.aeo.certify(form)
    uruguay.aeo.suspend(change(form, "examination"))
    frame = uruguay.aeo.frame(member="uy-dna").set_index("number")
    row = frame.loc[form.number]
    assert row["standing"] == "suspended"
    assert not row["in_force"]
    assert row["aeoc"]
    assert row["role_importer"]
    assert not row["role_broker"]
    assert pd.isna(row["valid_until"])
    assert pd.isna(row["identifier"])
    assert str(frame["since"].dtype) == "datetime64[ms, UTC]"
    assert str(frame["valid_from"].dtype) == "datetime64[s]"
    assert frame["standing"].dtype == "category"
    assert frame["standing"].cat.categories.tolist() == [it.value for it in Standing]
    history = uruguay.aeo.history_frame("uy-dna", form.number)
    assert history["action"].tolist() == ["certify", "suspend"]
    assert str(history["recorded"].dtype) == "datetime64[ms, UTC]"
    nobody = uruguay.aeo.frame(member="cl-sna", standing="annulled")
    assert len(nobody) == 0
    assert nobody.dtypes.equals(uruguay.aeo.frame(member="cl-sna", standing="annulled").dtypes)
