"""Vectors for statements and transactions, and the parts of them that other vectors use."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from generate_log_state import cbor, sha256, tagged, u32

CHANNEL = sha256(b"channel")
TIME_MS = 1_700_000_000_000


class Signer:
    """A key pair of the seed that is one byte repeated."""

    def __init__(self, byte):
        self.seed = bytes([byte]) * 32
        self.secret = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self.secret.public_key().public_bytes_raw()
        self.key_id = tagged("precinto/key-id", self.public)

    def sign(self, message):
        return self.secret.sign(message)


AUTHOR, LEADER = Signer(1), Signer(2)


def array(*encoded):
    """A CBOR array of items that are already encoded."""
    return cbor([0] * len(encoded))[:-len(encoded) or None] + b"".join(encoded)


def refused(*pairs):
    return [{"why": why, "encoded": encoded.hex()} for why, encoded in pairs]


# --- Statements -----------------------------------------------------------------------------------

CONTENT_TYPE = "application/precinto-call+cbor"
ALG, CONTENT, KID = b"\x01\x27", cbor(3) + cbor(CONTENT_TYPE), cbor(4) + cbor(AUTHOR.key_id)
PROTECTED = b"\xa3" + ALG + CONTENT + KID
CALL = [CHANNEL, "aeo", 1, "certify", b"\x80", b"n" * 16, TIME_MS + 60_000]


def sig_structure(protected, payload):
    return cbor(["Signature1", protected, b"", payload])


def statement(payload, protected=PROTECTED, unprotected=b"\xa0", tag=b"\xd2"):
    signature = AUTHOR.sign(sig_structure(protected, payload))
    return tag + array(cbor(protected), unprotected, cbor(payload), cbor(signature))


def transaction_id(payload):
    return tagged("precinto/transaction", sig_structure(PROTECTED, payload))


def statement_vector(name, call):
    payload = cbor(call)
    channel, contract, version, method, args, nonce, expires_ms = call[:7]
    pseudonym, role = call[7] if len(call) == 8 else (None, None)
    structure = sig_structure(PROTECTED, payload)
    identity = transaction_id(payload)
    return {
        "name": name, "channel": channel.hex(), "contract": contract, "contract_version": version,
        "method": method, "args": args.hex(), "nonce": nonce.hex(), "expires_ms": expires_ms,
        "pseudonym": pseudonym and pseudonym.hex(), "role": role,
        "sig_structure": structure.hex(), "signature": AUTHOR.sign(structure).hex(),
        "encoded": statement(payload).hex(), "id": identity.hex(),
        "endorsement_digest": tagged("precinto/endorsement", identity + u32(version)).hex(),
    }


def with_field(index, encoded):
    """The payload of CALL with one field replaced by encoded bytes."""
    fields = [cbor(field) for field in CALL]
    fields[index] = encoded
    return statement(array(*fields))


def refused_headers():
    good = cbor(CALL)

    def protected(encoded):
        return statement(good, protected=encoded)

    return refused(
        ("content type of something else", protected(b"\xa3" + ALG + cbor(3) + cbor("application/cbor") + KID)),
        ("content type is a number", protected(b"\xa3" + ALG + cbor(3) + cbor(60) + KID)),
        ("no content type", protected(b"\xa2" + ALG + KID)),
        ("no algorithm", protected(b"\xa2" + CONTENT + KID)),
        ("algorithm ES256", protected(b"\xa3\x01\x26" + CONTENT + KID)),
        ("no key id", protected(b"\xa2" + ALG + CONTENT)),
        ("key id of 31 bytes", protected(b"\xa3" + ALG + CONTENT + cbor(4) + cbor(AUTHOR.key_id[:31]))),
        ("key id of 33 bytes", protected(b"\xa3" + ALG + CONTENT + cbor(4) + cbor(AUTHOR.key_id + b"\0"))),
        ("extra protected header", protected(b"\xa4" + ALG + CONTENT + KID + cbor(5) + cbor(b"iv"))),
        ("protected headers out of order", protected(b"\xa3" + CONTENT + ALG + KID)),
        ("a protected header twice", protected(b"\xa4" + ALG + ALG + CONTENT + KID)),
        ("algorithm not in the shortest form", protected(b"\xa3\x01\x38\x07" + CONTENT + KID)),
        ("header label not in the shortest form", protected(b"\xa3\x18\x01\x27" + CONTENT + KID)),
        ("protected map of indefinite length", protected(b"\xbf" + ALG + CONTENT + KID + b"\xff")),
        ("byte after the protected map", protected(PROTECTED + b"\0")),
        ("protected headers empty", protected(b"")),
        ("extra unprotected header", statement(good, unprotected=b"\xa1" + KID)),
        ("unprotected map of indefinite length", statement(good, unprotected=b"\xbf\xff")),
        ("unprotected map is null", statement(good, unprotected=b"\xf6")),
        ("no tag", statement(good, tag=b"")),
        ("tag 17 (COSE_Mac0)", statement(good, tag=b"\xd1")),
        ("tag 98 (COSE_Sign)", statement(good, tag=b"\xd8\x62")),
        ("tag not in the shortest form", statement(good, tag=b"\xd8\x12")),
        ("tagged twice", statement(good, tag=b"\xd2\xd2")),
        ("tag 55799 in front", statement(good, tag=b"\xd9\xd9\xf7\xd2")),
    )


def refused_frames():
    good, signature = cbor(CALL), AUTHOR.sign(sig_structure(PROTECTED, cbor(CALL)))
    parts = [cbor(PROTECTED), b"\xa0", cbor(good), cbor(signature)]

    def framed(index, encoded):
        return b"\xd2" + array(*(parts[:index] + [encoded] + parts[index + 1:]))

    whole = statement(good)
    return refused(
        ("nothing", b""),
        ("cut by a byte", whole[:-1]),
        ("byte after the statement", whole + b"\0"),
        ("statement twice", whole + whole),
        ("array of indefinite length", b"\xd2\x9f" + b"".join(parts) + b"\xff"),
        ("array of three", b"\xd2" + array(*parts[:3])),
        ("array of five", b"\xd2" + array(*parts, b"\xf6")),
        ("array length not in the shortest form", b"\xd2\x98\x04" + b"".join(parts)),
        ("protected headers not wrapped", framed(0, PROTECTED)),
        ("payload detached", framed(2, b"\xf6")),
        ("payload not wrapped", framed(2, good)),
        ("payload in chunks", framed(2, b"\x5f" + cbor(good) + b"\xff")),
        ("payload length not in the shortest form", framed(2, b"\x59" + len(good).to_bytes(2, "big") + good)),
        ("signature of 63 bytes", framed(3, cbor(signature[:63]))),
        ("signature of 65 bytes", framed(3, cbor(signature + b"\0"))),
        ("signature is an array", framed(3, cbor(list(signature)))),
    )


def refused_payloads():
    behalf = [b"p" * 16, 2]

    def call(*fields):
        return statement(cbor(list(fields)))

    return refused(
        ("contract version not in the shortest form", with_field(2, b"\x18\x01")),
        ("contract version above u32", with_field(2, cbor(2**32))),
        ("contract version negative", with_field(2, b"\x20")),
        ("expiry is a float", with_field(6, b"\xfb" + bytes(8))),
        ("expiry is a bignum", with_field(6, b"\xc2\x41\x01")),
        ("channel of 31 bytes", with_field(0, cbor(CHANNEL[:31]))),
        ("contract empty", with_field(1, cbor(""))),
        ("contract of 65 bytes", with_field(1, cbor("c" * 65))),
        ("contract not UTF-8", with_field(1, b"\x62\xc3\x28")),
        ("contract in chunks", with_field(1, b"\x7f" + cbor("aeo") + b"\xff")),
        ("contract is a byte string", with_field(1, cbor(b"aeo"))),
        ("method empty", with_field(3, cbor(""))),
        ("method of 65 bytes", with_field(3, cbor("m" * 65))),
        ("arguments in chunks", with_field(4, b"\x5f\x41\x80\xff")),
        ("arguments length not in the shortest form", with_field(4, b"\x58\x01\x80")),
        ("nonce of 15 bytes", with_field(5, cbor(b"n" * 15))),
        ("nonce of 17 bytes", with_field(5, cbor(b"n" * 17))),
        ("on_behalf null", statement(array(*map(cbor, CALL), b"\xf6"))),
        ("on_behalf with an unknown role", call(*CALL, [behalf[0], 8])),
        ("on_behalf with a pseudonym of 15 bytes", call(*CALL, [b"p" * 15, 2])),
        ("on_behalf with a third field", call(*CALL, behalf + [0])),
        ("six fields", call(*CALL[:6])),
        ("nine fields", call(*CALL, behalf, 0)),
        ("byte after the payload", statement(cbor(CALL) + b"\0")),
        ("payload array of indefinite length", statement(b"\x9f" + b"".join(map(cbor, CALL)) + b"\xff")),
        ("payload is a map", statement(b"\xa0")),
    )


def largest_statement(size=61_440):
    """Too long to be spelled out: arguments are that many bytes 00."""
    call = list(CALL)
    call[4] = bytes(size - len(statement(cbor(CALL))) - 6)
    call[4] += bytes(size - len(statement(cbor(call))))
    encoded = statement(cbor(call))
    assert len(encoded) == size
    return {"args_bytes": len(call[4]), "bytes": size, "id": transaction_id(cbor(call)).hex(),
            "sha256": sha256(encoded).hex()}


def statement_vectors():
    long = [CHANNEL, "c" * 64, 2**32 - 1, "método-largo", bytes(range(256)), bytes(16), 2**64 - 1]
    return {
        "seed": AUTHOR.seed.hex(), "key_id": AUTHOR.key_id.hex(),
        "statements": [
            statement_vector("by the author", CALL),
            statement_vector("on behalf of an officer", CALL + [[b"p" * 16, 2]]),
            statement_vector("on behalf, first role", CALL + [[bytes(16), 0]]),
            statement_vector("on behalf, last role", CALL + [[b"\xff" * 16, 7]]),
            statement_vector("largest numbers, longest name, text beyond ASCII", long),
            statement_vector("smallest", [bytes(32), "c", 0, "m", b"", bytes(16), 0]),
        ],
        "largest": largest_statement(),
        "refused": refused_headers() + refused_frames() + refused_payloads(),
    }


# --- Transactions ---------------------------------------------------------------------------------

def endorsements(seeds):
    """By the keys of these seeds, in order of their ids."""
    digest = tagged("precinto/endorsement", transaction_id(cbor(CALL)) + u32(CALL[2]))
    signers = sorted((Signer(seed) for seed in seeds), key=lambda signer: signer.key_id)
    return [[signer.key_id, signer.sign(digest)] for signer in signers]


def transaction(endorsed, inner=None):
    return cbor([inner or statement(cbor(CALL)), endorsed])


def transaction_vector(seeds):
    endorsed = endorsements(seeds)
    return {
        "statement": statement(cbor(CALL)).hex(), "id": transaction_id(cbor(CALL)).hex(),
        "contract_version": CALL[2], "endorser_seeds": [(bytes([seed]) * 32).hex() for seed in seeds],
        "endorsements_digest": tagged("precinto/endorsements", cbor(endorsed)).hex(),
        "encoded": transaction(endorsed).hex(),
    }


def transaction_vectors():
    two, inner = endorsements([3, 4]), statement(cbor(CALL))
    third = [two[0][0], endorsements([5])[0][1]]
    by_author = sorted(endorsements([1, 3]))
    return {
        "transactions": [transaction_vector(seeds) for seeds in ([], [3], [3, 4, 5], list(range(10, 74)))],
        "refused": refused(
            ("endorsements out of order", transaction(two[::-1])),
            ("an endorsement twice", transaction([two[0], two[0]])),
            ("two endorsements by one key", transaction([two[0], third])),
            ("endorsed by the author", transaction(by_author)),
            ("65 endorsements", transaction(endorsements(range(10, 75)))),
            ("signature of 63 bytes", transaction([[two[0][0], two[0][1][:63]]])),
            ("key id of 31 bytes", transaction([[two[0][0][:31], two[0][1]]])),
            ("endorsement with a third field", transaction([two[0] + [1]])),
            ("endorsements null", array(cbor(inner), b"\xf6")),
            ("no endorsements", array(cbor(inner))),
            ("a third field", cbor([inner, [], 0])),
            ("statement not wrapped", array(inner, b"\x80")),
            ("statement refused", transaction([], statement(cbor(CALL) + b"\0"))),
            ("statement in chunks", array(b"\x5f" + cbor(inner) + b"\xff", b"\x80")),
            ("array of indefinite length", b"\x9f" + cbor(inner) + b"\x80\xff"),
            ("endorsements of indefinite length", array(cbor(inner), b"\x9f\xff")),
            ("endorsement count not in the shortest form", array(cbor(inner), b"\x98\x00")),
            ("byte after the transaction", transaction(two) + b"\0"),
            ("only a statement", inner),
            ("nothing", b""),
        ),
    }
