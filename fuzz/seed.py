#!/usr/bin/env python3
"""Writes the seeds of the corpus, real encodings and near misses, from the golden vectors."""

import json
import pathlib
import random

ROOT = pathlib.Path(__file__).resolve().parent.parent
VECTORS = ROOT / "schemas" / "vectors"
CORPUS = ROOT / "fuzz" / "corpus"
# Few of each kind: libFuzzer makes the rest.
MOST_REFUSED = 6
# Bytes from which a model reads its choices; any are as good as others.
RANDOM_BYTES = (0, 16, 80, 300, 700)
MODELS = "policy log_proof state_proof raft_message snapshot aeo governance probe".split()


def load(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def write(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed-{name}").write_bytes(data)


def encoded(target, kind, items):
    """The encodings of a list of vectors, each an object or the text itself."""
    for number, item in enumerate(items):
        text = item["encoded"] if isinstance(item, dict) else item
        write(target, f"{kind}-{number}", bytes.fromhex(text))


def formats():
    transaction, statement, block = load("transaction"), load("statement"), load("block")
    leaf, genesis, checkpoint, aeo = load("leaf"), load("genesis"), load("checkpoint"), load("aeo")
    encoded("transaction", "good", transaction["transactions"])
    encoded("transaction", "statement", statement["statements"])
    encoded("transaction", "refused", transaction["refused"][:MOST_REFUSED])
    encoded("block", "good", block["blocks"])
    encoded("block", "badly-signed", block["badly_signed"])
    encoded("block", "refused", block["refused"][:MOST_REFUSED])
    encoded("leaf", "statement", [leaf["statement"]])
    encoded("leaf", "outcome", leaf["outcomes"])
    encoded("leaf", "block", [leaf["block"]])
    encoded("leaf", "refused", (leaf["refused_outcomes"] + leaf["refused_blocks"])[:MOST_REFUSED])
    encoded("registry", "genesis", [genesis["encoded"]])
    encoded("registry", "node", [genesis["retired_node"]["encoded"]])
    encoded("registry", "identity", [genesis["revoked_identity"]["encoded"]])
    encoded("registry", "entry", [entry["value"] for entry in genesis["entries"]])
    encoded("checkpoint", "good", checkpoint["checkpoints"])
    for number, item in enumerate(checkpoint["checkpoints"]):
        write("checkpoint", f"note-{number}", item["note"].encode())
        write("checkpoint", f"body-{number}", item["body"].encode())
    encoded("contract_messages", "transition", [item["transition"] for item in aeo["history"]])
    encoded("contract_messages", "value", [aeo[key] for key in ("alias", "pending", "mra")])
    encoded("contract_messages", "time-line", [aeo["time_line"]])
    encoded("contract_messages", "query", [item["query"] for item in aeo["benefits"][:3]])
    encoded("contract_messages", "answer", [item["answer"] for item in aeo["benefits"][:3]])


def frames():
    """A hello and some frames on each lane: length, then on request lanes kind and id, then body."""
    zero = b"\x58\x20" + bytes(32)
    hello = b"\x85" + zero + b"\x01" + zero + b"\x02" + b"\x50" + bytes(16)

    def frame(body):
        return len(body).to_bytes(4, "big") + body

    for lane in range(4):
        body = bytes([0]) + (7).to_bytes(8, "big") + b"body" if lane > 1 else b"body"
        write("frames", f"lane-{lane}", bytes([lane]) + frame(hello) + frame(body) + frame(b""))
    write("frames", "refused", b"\x02" + frame(hello) + frame(b"\x02" + bytes(8)) + frame(b"\x01" + bytes(9)))
    write("frames", "oversized", b"\x00" + frame(hello) + b"\xff\xff\xff\xff")
    write("frames", "stranger", b"\x00" + frame(hello.replace(b"\x02\x50", b"\x03\x50")))


def models():
    for target in MODELS:
        dice = random.Random(target)
        for size in RANDOM_BYTES:
            write(target, f"random-{size}", dice.randbytes(size))
    for number, text in enumerate(
        ["owner.officer", "owner.officer and 1 of others", "(owner or 2 of members) and anyone.node"]
    ):
        # Not made of words; one signer and no candidate.
        write("policy", f"text-{number}", bytes(4) + text.encode())


def modules():
    """The least module with the interface's exports, and its head alone."""
    types = b"\x01\x13\x04" + b"\x60\x00\x00" + b"\x60\x01\x7f\x01\x7f" + b"\x60\x02\x7f\x7f\x01\x7e"
    types = b"\x01" + bytes([len(types) - 3 + 1]) + b"\x03" + types[3:]
    names = [(b"memory", 2, 0), (b"precinto_interface_1", 0, 0), (b"alloc", 0, 1), (b"call", 0, 2), (b"query", 0, 3)]
    exports = bytes([len(names)])
    exports += b"".join(bytes([len(n)]) + n + bytes([kind, index]) for n, kind, index in names)
    bodies = [b"\x00\x0b", b"\x00\x41\x80\x08\x0b", b"\x00\x42\x84\x80\x80\x80\x80\x02\x0b", b"\x00\x42\x00\x0b"]
    code = bytes([len(bodies)]) + b"".join(bytes([len(body)]) + body for body in bodies)
    data = b"\x01\x00\x41\x10\x0b\x04\x82\x00\x81\x40"
    sections = [(3, b"\x04\x00\x01\x02\x02"), (5, b"\x01\x00\x01"), (7, exports), (10, code), (11, data)]
    module = b"\0asm\x01\0\0\0" + types
    module += b"".join(bytes([kind, len(body)]) + body for kind, body in sections)
    write("module", "least", module)
    write("module", "head", module[:8])


if __name__ == "__main__":
    formats()
    frames()
    models()
    modules()
