#!/usr/bin/env python3
"""Writes the test vectors of the core formats: signature.json, statement.json, transaction.json,
block.json, leaf.json, genesis.json, tag.json and aeo.json.

An implementation of its own, written from docs/FORMATS.md and the RFCs, so that the Rust code is
checked against a second reading of the formats and not against itself. What must be refused is
otherwise as it should be, correctly signed over its own bytes. Needs Python 3.9 and the
`cryptography` package (Ed25519).

    python3 schemas/vectors/generate_core.py           writes the files
    python3 schemas/vectors/generate_core.py --check   fails if they differ
"""

import datetime
import hashlib
import hmac
import json
import pathlib
import sys

from core_aeo import aeo_vectors
from core_signatures import signature_vectors
from core_statements import (AUTHOR, CALL, CHANNEL, LEADER, TIME_MS, Signer, array, endorsements, refused, statement,
                             statement_vectors, transaction, transaction_id, transaction_vectors)
from generate_log_state import cbor, key, leaf_hash, plain, sha256, state_root, tagged, u32, u64

# --- Blocks ---------------------------------------------------------------------------------------

PLACE = [[CHANNEL, 0], 2, 3, bytes(32)]


def content_hash(content):
    return tagged("precinto/block-content", content)


def block(content, place=PLACE, named=None, signer=LEADER, leader=LEADER):
    header = cbor([*place, named or content_hash(content), leader.key_id])
    return cbor_block(header, signer.sign(tagged("precinto/block", header)), content)


def cbor_block(header, signature, content):
    return array(header, cbor(signature), cbor(content))


def block_vector(name, place, time_ms, items):
    content = cbor([1, time_ms, items])
    (channel, epoch), term, raft_index, previous = place
    header = cbor([*place, content_hash(content), LEADER.key_id])
    digest = tagged("precinto/block", header)
    return {
        "name": name, "channel": channel.hex(), "epoch": epoch, "term": term, "raft_index": raft_index,
        "previous": previous.hex(), "time_ms": time_ms, "items": [item.hex() for item in items],
        "content_hash": content_hash(content).hex(), "digest": digest.hex(),
        "signature": LEADER.sign(digest).hex(), "encoded": block(content, place).hex(),
    }


def refused_blocks():
    content = cbor([1, TIME_MS, []])
    header = cbor([*PLACE, content_hash(content), LEADER.key_id])
    signature = LEADER.sign(tagged("precinto/block", header))
    long_term = array(cbor(PLACE[0]), b"\x18\x02", *map(cbor, [3, bytes(32), content_hash(content), LEADER.key_id]))
    whole = block(content)
    return refused(
        ("content is not the named one", block(content, named=content_hash(cbor([1, TIME_MS + 1, []])))),
        ("content with a byte after it", block(content + b"\0")),
        ("content of indefinite length", block(b"\x9f" + content[1:] + b"\xff")),
        ("items of indefinite length", block(array(cbor(1), cbor(TIME_MS), b"\x9f\xff"))),
        ("time not in the shortest form", block(array(cbor(1), b"\x18\x05", b"\x80"))),
        ("item is an array", block(cbor([1, TIME_MS, [[]]]))),
        ("item in chunks", block(array(cbor(1), cbor(TIME_MS), array(b"\x5f\x41\x00\xff")))),
        ("content with a fourth field", block(cbor([1, TIME_MS, [], 0]))),
        ("2,049 items", block(cbor([1, TIME_MS, [b""] * 2049]))),
        ("term not in the shortest form",
         cbor_block(long_term, LEADER.sign(tagged("precinto/block", long_term)), content)),
        ("previous hash of 31 bytes", block(content, [*PLACE[:3], bytes(31)])),
        ("epoch above u32", block(content, [[CHANNEL, 2**32], *PLACE[1:]])),
        ("signature of 63 bytes", cbor_block(header, signature[:63], content)),
        ("content not wrapped", array(header, cbor(signature), content)),
        ("a fourth field", array(header, cbor(signature), cbor(content), b"\xf6")),
        ("array of indefinite length", b"\x9f" + whole[1:] + b"\xff"),
        ("byte after the block", whole + b"\0"),
        ("nothing (no block, no height)", b""),
    )


def block_vectors():
    content = cbor([1, TIME_MS, []])
    items = [transaction([]), transaction(endorsements([3, 4]))]
    first = block_vector("first, empty", PLACE, TIME_MS, [])
    later = [[CHANNEL, 2**32 - 1], 2**64 - 1, 2**32, bytes.fromhex(first["content_hash"])]
    return {
        "seed": LEADER.seed.hex(),
        "blocks": [
            first,
            block_vector("two transactions", later, TIME_MS + 1, items),
            block_vector("items are not looked into", PLACE, 0, [b"", b"\xff"]),
            block_vector("2,048 items", PLACE, TIME_MS, [b""] * 2048),
        ],
        "badly_signed": refused(
            ("signed by another key than the header names", block(content, signer=AUTHOR)),
            ("names another key than the one that signed", block(content, leader=AUTHOR)),
            ("signature over the header itself",
             cbor_block(cbor([*PLACE, content_hash(content), LEADER.key_id]),
                        LEADER.sign(cbor([*PLACE, content_hash(content), LEADER.key_id])), content)),
        ),
        "refused": refused_blocks(),
    }


# --- Leaves ---------------------------------------------------------------------------------------

EVENTS = [["aeo", "aeo.certified", b"\x81\x00"], ["aeo", "", b""]]
COMMITTED = [0, []]


def rejected(code):
    return [1, [code]]


def outcome_leaf(roles, endorsed, outcome, events, index=0):
    return [1, 1, CHANNEL, 7, index, transaction_id(cbor(CALL)), AUTHOR.key_id, "uy-dna", roles,
            tagged("precinto/endorsements", cbor(endorsed)), outcome, tagged("precinto/events", cbor(events))]


def outcome_vector(leaf):
    return {
        "channel": leaf[2].hex(), "height": leaf[3], "index": leaf[4], "transaction": leaf[5].hex(),
        "author": leaf[6].hex(), "member": leaf[7], "roles": leaf[8], "endorsements": leaf[9].hex(),
        "code": leaf[10][1][0] if leaf[10][0] else None, "events": leaf[11].hex(),
        "encoded": cbor(leaf).hex(), "leaf_hash": leaf_hash(cbor(leaf)).hex(),
    }


def block_leaf():
    content = cbor([1, TIME_MS, []])
    signed = LEADER.sign(tagged("precinto/block", cbor([*PLACE, content_hash(content), LEADER.key_id])))
    digest = tagged("precinto/leader-signature", LEADER.key_id + signed)
    return signed, [1, 2, CHANNEL, 3, 7, bytes(32), content_hash(content), TIME_MS, 2, digest,
                    sha256(b"state root"), 4, 5, 6, sha256(b"signer set"), 1]


def leaf_vectors():
    statement_leaf, (signed, block_fields) = statement(cbor(CALL)), block_leaf()
    outcome = outcome_leaf([2, 3], endorsements([3, 4]), COMMITTED, EVENTS)
    names = ("channel", "epoch", "height", "previous", "content", "time_ms", "term", "leader_signature",
             "state_root", "committed", "rejected", "signer_set_version", "signer_set", "protocol_version")
    shown = [field.hex() if isinstance(field, bytes) else field for field in block_fields[2:]]

    def changed(fields, index, value):
        return cbor(fields[:index] + [value] + fields[index + 1:])

    return {
        "statement": {"encoded": statement_leaf.hex(), "leaf_hash": leaf_hash(statement_leaf).hex()},
        "outcomes": [outcome_vector(outcome),
                     outcome_vector(outcome_leaf([0], [], rejected("contract-changed"), [], 2**32 - 1))],
        "block": {**dict(zip(names, shown)), "encoded": cbor(block_fields).hex(),
                  "leaf_hash": leaf_hash(cbor(block_fields)).hex()},
        "leader_signature": {"leader": LEADER.key_id.hex(), "signature": signed.hex(),
                             "digest": block_fields[9].hex()},
        "events": [{"events": [{"contract": c, "topic": t, "payload": p.hex()} for c, t, p in events],
                    "digest": tagged("precinto/events", cbor(events)).hex()} for events in ([], EVENTS)],
        "refused_outcomes": refused(
            ("version 2", changed(outcome, 0, 2)),
            ("kind of a block leaf", changed(outcome, 1, 2)),
            ("unknown kind", changed(outcome, 1, 3)),
            ("unknown role", changed(outcome, 8, [8])),
            ("unknown outcome", changed(outcome, 10, [2, []])),
            ("committed with a code", changed(outcome, 10, [0, ["code"]])),
            ("rejected without a code", changed(outcome, 10, [1, []])),
            ("outcome without its fields", changed(outcome, 10, 0)),
            ("thirteen fields", cbor(outcome + [0])),
            ("eleven fields", cbor(outcome[:-1])),
            ("byte after it", cbor(outcome) + b"\0"),
        ),
        "refused_blocks": refused(
            ("version 2", changed(block_fields, 0, 2)),
            ("kind of an outcome leaf", changed(block_fields, 1, 1)),
            ("unknown kind", changed(block_fields, 1, 0)),
            ("seventeen fields", cbor(block_fields + [0])),
            ("fifteen fields", cbor(block_fields[:-1])),
            ("byte after it", cbor(block_fields) + b"\0"),
        ),
    }


# --- Genesis --------------------------------------------------------------------------------------

NULL = b"\xf6"
ACTIVE, REVOKED = [0, []], [1, [TIME_MS]]


def genesis():
    node_keys = {n: [Signer(3 * n % 256 + role) for role in range(20, 23)] for n in (1, 2, 300)}
    # A zero byte in a key id is escaped in its state keys.
    officer = next(signer for signer in map(Signer, range(200, 256)) if b"\0" in signer.key_id)
    members = [["py-dnit", "Dirección Nacional de Ingresos Tributarios", "PY", Signer(101).public],
               ["uy-dna", "Dirección Nacional de Aduanas", "UY", Signer(100).public]]
    nodes = [[n, member, role, *(signer.public for signer in node_keys[n]), addresses, bytes([n % 256]) * 16]
             for n, member, role, addresses in ((1, "py-dnit", 0, ["10.0.0.1:7000"]),
                                                (2, "uy-dna", 0, ["node.uy.example:7000", "10.0.0.2:7000"]),
                                                (300, "uy-dna", 1, ["[2001:db8::1]:7000"]))]
    identities = [[node[3], node[1], [0], 0, 2**64 - 1, ACTIVE] for node in nodes]
    identities.append([officer.public, "uy-dna", [2, 3], TIME_MS, TIME_MS + 1, ACTIVE])
    identities.sort(key=lambda identity: tagged("precinto/key-id", identity[0]))
    contracts = [[2, "aeo", 1, sha256(b"aeo module"),
                  [["certify", "owner.officer and owner.supervisor"], ["suspend", "owner.officer"]]],
                 [1, "governance", 1, sha256(b"governance module"),
                  [["propose", "owner.admin"], ["recover", "2 of members and (owner or 1 of members.auditor)"]]]]
    parameters = [["attest-members", 2], ["max-expiry-ms", 600_000]]
    return [1, "test/main", TIME_MS, members, nodes, identities, contracts, parameters]


def signer_set(nodes, attest_members):
    signers = [[node[0], node[1], node[5]] for node in nodes]
    return tagged("precinto/signer-set", array(NULL if attest_members is None else cbor(attest_members), cbor(signers)))


def first_entries(fields):
    """(key, value) of every entry of the first state, in key order."""
    _, _, _, members, nodes, identities, contracts, parameters = fields
    keyed = [((b"member", member[0].encode()), member) for member in members]
    keyed += [((b"node", u64(node[0])), node) for node in nodes]
    keyed += [((b"identity", tagged("precinto/key-id", identity[0])), identity) for identity in identities]
    keyed += [((b"contract", contract[1].encode()), contract) for contract in contracts]
    keyed += [((b"parameter", name.encode()), value) for name, value in parameters]
    keyed += [((b"member-identity", identity[1].encode(), tagged("precinto/key-id", identity[0])), identity[2])
              for identity in identities]
    first_set = [1, signer_set(nodes, dict(parameters)["attest-members"])]
    own = [(key(0, b"time"), cbor(TIME_MS)), (key(0, b"signer-set"), cbor(first_set))]
    return sorted(own + [(key(1, *parts), cbor(value)) for parts, value in keyed])


def genesis_vectors():
    fields = genesis()
    entries = first_entries(fields)
    return {
        "encoded": cbor(fields).hex(),
        "hash": tagged("precinto/genesis", cbor(fields)).hex(),
        "entries": [{"key": k.hex(), "value": value.hex()} for k, value in entries],
        "state_root": state_root([(k, plain(value)) for k, value in entries]).hex(),
        "signer_sets": [{"attest_members": k, "digest": signer_set(fields[4], k).hex()} for k in (2, None)],
        "revoked_identity": {"at_ms": TIME_MS, "encoded": cbor([*fields[5][0][:5], REVOKED]).hex()},
        "replay": {"expires_ms": CALL[6], "transaction": CHANNEL.hex(),
                   "key": key(0, b"replay", u64(CALL[6]), CHANNEL).hex()},
    }


# --- Lookup tags and dates ------------------------------------------------------------------------

def lookup_tag(secret, scheme, identifier):
    message = b"precinto/lookup-tag" + u32(len(scheme)) + scheme.encode() + identifier.encode()
    return hmac.new(secret, message, hashlib.sha256).digest()


def normalized(identifier):
    return "".join(c for c in identifier if c not in " -./").upper()


def tag_vectors():
    secret = bytes(range(32))
    raw = (("uy-rut", "21.403.302-0011"), ("eori", "de 123-4567"), ("br-cnpj", " 12abc345/01de-35 "), ("aeo", "7"),
           ("aeo", "Z" * 35))
    days = [0, 1, 58, 59, 364, 365, 789, 11_016, 11_017, 20_779, 47_540, 47_541, 2_932_896]
    epoch = datetime.date(1970, 1, 1)
    return {
        "key": secret.hex(),
        "tags": [{"scheme": scheme, "identifier": identifier, "normalized": normalized(identifier),
                  "tag": lookup_tag(secret, scheme, normalized(identifier)).hex()} for scheme, identifier in raw],
        "refused_identifiers": ["", " ", "-./", "a_b", "ñ1", "1\n", "1\t2", "٣", "9" * 36],
        "dates": [{"date": str(epoch + datetime.timedelta(n)), "days": n} for n in days],
        "refused_dates": ["", "1969-12-31", "2026-02-29", "2100-02-29", "2026-04-31", "2026-00-01", "2026-13-01",
                          "2026-01-00", "2026-1-1", "20260101", "2026/01/01", "+026-01-01", "2026-01-01T",
                          " 2026-01-0", "٢٠-01-01", "2026-01-é"],
    }


FILES = (("signature", signature_vectors), ("statement", statement_vectors), ("transaction", transaction_vectors),
         ("block", block_vectors), ("leaf", leaf_vectors), ("genesis", genesis_vectors), ("tag", tag_vectors),
         ("aeo", aeo_vectors))


def main():
    here, differ = pathlib.Path(__file__).parent, []
    for name, vectors in FILES:
        path = here / f"{name}.json"
        text = json.dumps(vectors(), indent=1) + "\n"
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            differ.append(path.name)
    if differ:
        sys.exit(f"not what this script writes: {', '.join(differ)}")


if __name__ == "__main__":
    main()
