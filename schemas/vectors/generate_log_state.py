#!/usr/bin/env python3
"""Writes log.json, state.json and checkpoint.json: test vectors for the Merkle log, the state tree
and checkpoints.

An implementation of its own, written from docs/FORMATS.md and the RFCs as plainly as possible
(recursive, whole lists in memory), so that the Rust code is checked against a second reading of the
formats and not against itself. Needs Python 3.9 and the `cryptography` package (Ed25519).

    python3 schemas/vectors/generate_log_state.py           writes the files
    python3 schemas/vectors/generate_log_state.py --check   fails if they differ
"""

import base64
import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def sha256(data):
    return hashlib.sha256(data).digest()


def tagged(tag, data=b""):
    return sha256(bytes([len(tag)]) + tag.encode() + data)


def u16(n):
    return n.to_bytes(2, "big")


def u32(n):
    return n.to_bytes(4, "big")


def u64(n):
    return n.to_bytes(8, "big")


def cbor(value):
    """Deterministic CBOR of non-negative integers, byte strings, texts and lists."""

    def head(major, n):
        if n < 24:
            return bytes([major << 5 | n])
        for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
            if n < 1 << 8 * size:
                return bytes([major << 5 | extra]) + n.to_bytes(size, "big")
        raise ValueError(n)

    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    return head(4, len(value)) + b"".join(cbor(item) for item in value)


# --- The log (RFC 6962 section 2.1) ---------------------------------------------------------------

# The leaves that certificate-transparency implementations use for their test vectors.
LEAVES = [bytes.fromhex(h) for h in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
LEAVES += [b"leaf %d" % n for n in range(len(LEAVES), 21)]


def leaf_hash(leaf):
    return sha256(b"\x00" + leaf)


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:]))


def inclusion_path(m, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return inclusion_path(m, leaves[:k]) + [mth(leaves[k:])]
    return inclusion_path(m - k, leaves[k:]) + [mth(leaves[:k])]


def consistency_proof(m, leaves):
    def sub(m, leaves, whole):
        if m == len(leaves):
            return [] if whole else [mth(leaves)]
        k = split(len(leaves))
        if m <= k:
            return sub(m, leaves[:k], whole) + [mth(leaves[k:])]
        return sub(m - k, leaves[k:], False) + [mth(leaves[:k])]

    return sub(m, leaves, True) if 0 < m < len(leaves) else []


def frontier(leaves):
    """CBOR of the roots of the complete subtrees, largest first."""
    subtrees, start = [], 0
    for bit in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> bit & 1:
            subtrees.append(mth(leaves[start:start + (1 << bit)]))
            start += 1 << bit
    return cbor([len(leaves), subtrees])


def hexes(items):
    return [item.hex() for item in items]


def log_vectors():
    sizes = range(len(LEAVES) + 1)
    return {
        "leaves": hexes(LEAVES),
        "trees": [{"size": n, "root": mth(LEAVES[:n]).hex(), "frontier": frontier(LEAVES[:n]).hex()}
                  for n in sizes],
        "inclusion": [{"index": i, "size": n, "proof": hexes(inclusion_path(i, LEAVES[:n]))}
                      for n in (1, 2, 5, 7, 8, 13, 21) for i in range(n)],
        "consistency": [{"old": m, "new": n, "proof": hexes(consistency_proof(m, LEAVES[:n]))}
                        for n in (1, 2, 6, 7, 8, 13, 21) for m in range(n + 1)],
    }


# --- The state tree -------------------------------------------------------------------------------

PLAIN, RECORD_LOG = 0, 1


def key(contract, *components):
    escaped = (c.replace(b"\x00", b"\x00\xff") + b"\x00\x01" for c in components)
    return u32(contract) + b"".join(escaped)


def bit_of(k, index):
    byte = k[index // 8] if index // 8 < len(k) else 0
    return byte >> (7 - index % 8) & 1


def plain(value):
    return [PLAIN, tagged("precinto/state-value", value)]


def record_log(entries):
    return [RECORD_LOG, tagged("precinto/record-log", u64(len(entries)) + mth(entries))]


def node(entries, first_bit=0):
    """(hash, bit or None, left, right, entries) of the tree over sorted (key, entry) pairs."""
    if len(entries) == 1:
        k, (kind, digest) = entries[0]
        return (tagged("precinto/state-leaf", bytes([kind]) + u16(len(k)) + k + digest), None, None, None, entries)
    bit = first_bit
    while len({bit_of(k, bit) for k, _ in entries}) == 1:
        bit += 1
    left, right = ([e for e in entries if bit_of(e[0], bit) == side] for side in (0, 1))
    left, right = node(left, bit + 1), node(right, bit + 1)
    data = u16(bit) + u64(len(entries)) + left[0] + right[0]
    return (tagged("precinto/state-node", data), bit, left, right, entries)


def state_root(entries):
    return node(entries)[0] if entries else tagged("precinto/state-empty")


def walk(entries, k, until):
    """The steps of the look-up of `k` down to a leaf or a branch at `until` or later, and the node."""
    at, steps = node(entries), []
    while at[1] is not None and at[1] < until:
        _, bit, left, right, below = at
        at, other = (right, left) if bit_of(k, bit) else (left, right)
        steps.append([bit, len(below), other[0]])
    return steps, at


def state_proof(entries, k):
    if not entries:
        return [0, []]
    steps, leaf = walk(entries, k, 1 << 16)
    return [1, [[list(leaf[4][0]), steps]]]


def prefix_proof(entries, prefix):
    if not any(k.startswith(prefix) for k, _ in entries):
        return [0, [state_proof(entries, prefix)]]
    steps, subtree = walk(entries, prefix, 8 * len(prefix))
    return [1, [[list(e) for e in subtree[4]], steps]]


def tree_vector(name, entries, keys, prefixes):
    entries = sorted(entries)
    held = dict(entries)
    return {
        "name": name,
        "entries": [{"key": k.hex(), "kind": e[0], "digest": e[1].hex()} for k, e in entries],
        "root": state_root(entries).hex(),
        "keys": [{"key": k.hex(), "digest": held[k][1].hex() if k in held else None,
                  "proof": cbor(state_proof(entries, k)).hex()} for k in keys],
        "prefixes": [{"prefix": p.hex(), "count": sum(k.startswith(p) for k in held),
                      "count_proof": cbor(state_proof(entries, p)).hex(),
                      "proof": cbor(prefix_proof(entries, p)).hex()} for p in prefixes],
    }


def refused_vectors():
    """Proofs under an honest root that a verifier must refuse."""
    entries = sorted((key(7, *parts), plain(b"value")) for parts in
                     ((b"aaaa", b"1"), (b"aaaa", b"2"), (b"aaaa", b"3"), (b"b",)))
    held, root = dict(entries), state_root(entries)
    first, second, other, prefix = (key(7, *parts) for parts in
                                    ((b"aaaa", b"1"), (b"aaaa", b"2"), (b"b",), (b"aaaa",)))

    def changed(k, change):
        proof = state_proof(entries, k)
        change(proof[1][0])
        return proof

    def counts_more(path):
        path[1][0][1] += 1

    def turns_back(path):
        path[1].reverse()

    def drops_a_branch(path):
        path[1].pop()

    def shows_another_key(path):
        path[0][0] = second

    def is_a_record_log(path):
        path[0][1] = [RECORD_LOG, path[0][1][1]]

    steps, subtree = walk(entries, prefix, 8 * len(prefix))
    leaves = [list(entry) for entry in subtree[4]]
    low_steps, low = walk(entries, first, 8 * len(first))
    keys = (
        (first, [0, []], "the tree is not empty"),
        (first, state_proof(entries, other), "the look-up of the key does not end at this leaf"),
        (first, changed(first, shows_another_key), "no such leaf"),
        (first, changed(first, is_a_record_log), "another kind"),
        (first, changed(first, counts_more), "another count"),
        (first, changed(first, turns_back), "bit indices fall"),
        (first, changed(first, drops_a_branch), "a branch is missing"),
    )
    prefixes = (
        (prefix, [1, [leaves[1:], steps]], "a leaf is missing"),
        (prefix, [1, [leaves[::-1], steps]], "leaves out of order"),
        (prefix, [1, [leaves + [[other, held[other]]], steps]], "a leaf without the prefix"),
        (prefix, [1, [[], steps]], "no leaves listed"),
        (prefix, [1, [[list(entry) for entry in low[4]], low_steps]], "only a part of the subtree"),
        (prefix, [0, [state_proof(entries, prefix)]], "there are keys with the prefix"),
        (prefix, [0, [state_proof(entries, other)]], "the look-up of the prefix does not end at this leaf"),
        (prefix, [0, [[0, []]]], "the tree is not empty"),
    )
    return {
        "root": root.hex(),
        "keys": [{"key": k.hex(), "proof": cbor(proof).hex(), "why": why} for k, proof, why in keys],
        "prefixes": [{"prefix": p.hex(), "proof": cbor(proof).hex(), "why": why} for p, proof, why in prefixes],
    }


def record_entry(height, index, payload):
    transaction = sha256(b"transaction %d" % height)
    return cbor([height, index, 1_700_000_000_000 + height, transaction, "uy-dna", payload])


def state_vectors():
    components = [(1, []), (1, [b""]), (1, [b"", b""]), (1, [b"\x00"]), (1, [b"\x00", b""]), (1, [b"\x00\x01"]),
                  (1, [b"\x01"]), (1, [b"a"]), (1, [b"a", b"b"]), (1, [b"a\x00b"]), (1, [b"ab"]), (1, [b"\xff"]),
                  (2, [b"a"]), (2**32 - 1, [b"a"])]
    aeo = [(key(7, b"aeo", b"uy-dna", b"%03d" % n), plain(b"operator %d" % n)) for n in range(9)]
    others = [(key(7, b"aeo", b"py-dna", b"001"), plain(b"other")), (key(8, b"x"), plain(b""))]
    record = [record_entry(n, 0, b"entry %d" % n) for n in range(5)]
    one = [(key(7, b"only"), plain(b"value"))]
    # Keys that are prefixes of each other, and differ only past the shorter one's end.
    nested = [(key(7), plain(b"0")), (key(7, b""), plain(b"1")), (key(7, b"", b""), plain(b"2")),
              (key(7, b"\x00"), plain(b"3"))]
    # All keys share `aaaa`, so that the bits between the prefixes below and the first branch are
    # skipped: `aaab`, `b` and `a` diverge inside them.
    skipped = [(key(7, b"aaaa", b"%d" % n), plain(b"%d" % n)) for n in (1, 2, 3)]
    return {
        "keys": [{"contract": c, "components": hexes(parts), "key": key(c, *parts).hex()} for c, parts in components],
        "bad_keys": [
            {"key": "000000", "why": "no contract id"},
            {"key": "0000000161", "why": "no end of the component"},
            {"key": "000000016100", "why": "cut in the end of the component"},
            {"key": "00000001610002", "why": "neither an escape nor an end"},
            {"key": "00000001610000ff0001", "why": "zero not escaped"},
            {"key": "0000000161000162", "why": "no end of the second component"},
            {"key": key(1, b"x" * 123).hex(), "why": "129 bytes"},
        ],
        "values": [{"value": v.hex(), "digest": plain(v)[1].hex()} for v in (b"", b"value", bytes(100))],
        "record_log": {
            "entries": [{"height": n, "index": 0, "time_ms": 1_700_000_000_000 + n,
                         "transaction": sha256(b"transaction %d" % n).hex(), "member": "uy-dna",
                         "payload": (b"entry %d" % n).hex(), "encoded": record[n].hex()} for n in range(5)],
            "digests": [record_log(record[:n])[1].hex() for n in range(6)],
        },
        "refused": refused_vectors(),
        "trees": [
            tree_vector("empty tree", [], [key(7), key(7, b"only")], [key(7)]),
            tree_vector("one leaf", one, [key(7, b"only"), key(7, b"onlx"), key(8)],
                        [key(7), key(7, b"only"), key(7, b"o"), key(0)]),
            tree_vector("keys that continue each other", nested,
                        [key(7), key(7, b""), key(7, b"", b""), key(7, b"\x00"), key(7, b"", b"", b""), key(6)],
                        [key(7), key(7, b""), key(7, b"", b""), key(7, b"\x00")]),
            tree_vector("divergence inside skipped bits", skipped,
                        [key(7, b"aaaa", b"1"), key(7, b"aaaa", b"4"), key(7, b"aaab", b"1"), key(7, b"b"), key(7)],
                        [key(7), key(7, b"aaaa"), key(7, b"aaab"), key(7, b"b"), key(7, b"a"), key(7, b"aaaa", b"2")]),
            tree_vector("two contracts and a record log",
                        aeo + others + [(key(7, b"history", b"uy-dna", b"001"), record_log(record))],
                        [key(7, b"aeo", b"uy-dna", b"004"), key(7, b"aeo", b"uy-dna", b"009"),
                         key(7, b"history", b"uy-dna", b"001"), key(9), key(8, b"x")],
                        [key(7), key(7, b"aeo"), key(7, b"aeo", b"uy-dna"), key(7, b"aeo", b"br-rfb"), key(8), key(9)]),
        ],
    }


# --- Checkpoints (C2SP tlog-checkpoint, tlog-cosignature, signed-note) ----------------------------

def checkpoint_vectors():
    genesis, vectors = sha256(b"genesis"), []
    for size, epoch, who, time_s, seed in ((0, 0, 1, 0, 1), (1, 0, 2, 1_700_000_000, 2), (21, 3, 17, 2**63 - 1, 3)):
        secret = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        public = secret.public_key().public_bytes_raw()
        root = mth(LEAVES[:size])
        body = f"precinto/{genesis.hex()}/{epoch}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = secret.sign(f"cosignature/v1\ntime {time_s}\n{body}".encode())
        name = f"precinto/{genesis.hex()}/node/{who}"
        key_id = sha256(name.encode() + b"\n\x04" + public)[:4]
        line = f"\u2014 {name} {base64.b64encode(key_id + u64(time_s) + signature).decode()}\n"
        vectors.append({
            "genesis": genesis.hex(), "epoch": epoch, "size": size, "root": root.hex(), "body": body,
            "node": who, "time_s": time_s, "seed": (bytes([seed]) * 32).hex(), "public_key": public.hex(),
            "signature": signature.hex(), "note": body + "\n" + line,
            "encoded": cbor([[genesis, epoch, size, root], who, time_s, signature]).hex(),
        })
    return {"checkpoints": vectors}


def main():
    here, differ = pathlib.Path(__file__).parent, []
    for name, vectors in (("log", log_vectors()), ("state", state_vectors()), ("checkpoint", checkpoint_vectors())):
        path = here / f"{name}.json"
        text = json.dumps(vectors, indent=1) + "\n"
        if "--check" not in sys.argv:
            path.write_text(text)
        elif path.read_text() != text:
            differ.append(path.name)
    if differ:
        sys.exit(f"not what this script writes: {', '.join(differ)}")


if __name__ == "__main__":
    main()
