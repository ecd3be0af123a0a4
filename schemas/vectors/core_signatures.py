"""Vectors for the strict Ed25519 rule, with a curve of its own: what a lax verifier accepts.

Points are affine, arithmetic is slow and not constant-time: for vectors only.
"""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P)


def negate(a):
    return (-a[0] % P, a[1])


def mul(n, a):
    total = IDENTITY
    while n:
        if n & 1:
            total = add(total, a)
        a, n = add(a, a), n >> 1
    return total


def recover(y, sign):
    """The point of this y, also of one not below P; None if there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P:
        return None
    return (P - x if x and x & 1 != sign else x, y % P)


def raw(y, sign):
    return (y | sign << 255).to_bytes(32, "little")


def compress(a):
    return raw(a[1], a[0] & 1)


def decompress(data):
    value = int.from_bytes(data, "little")
    return recover(value & (2**255 - 1), value >> 255)


BASE = recover(4 * pow(5, -1, P) % P, 0)
TORSION = mul(L, next(point for point in (recover(y, 0) for y in range(2, 99))
                      if point and mul(4 * L, point) != IDENTITY))
SMALL = [mul(n, TORSION) for n in range(8)]  # SMALL[n] has the order 8 / gcd(n, 8)

# Second encodings of points of small order: y not reduced, or a sign on x = 0.
SECOND_FORMS = [raw(P, 0), raw(P, 1), raw(P + 1, 0), raw(P + 1, 1), raw(1, 1), raw(P - 1, 1)]


def wide(r, a, message):
    """The hash of RFC 8032 before it is reduced modulo L."""
    return int.from_bytes(hashlib.sha512(r + a + message).digest(), "little")


def cofactorless(a, r, s, message):
    k = wide(r, a, message) % L
    return mul(s, BASE) == add(decompress(r), mul(k, decompress(a)))


def cofactored(a, r, s, message):
    k = wide(r, a, message) % L
    return mul(8 * s, BASE) == mul(8, add(decompress(r), mul(k, decompress(a))))


def search(a, r, fits):
    """The first message for which the wide hash fits."""
    return next(m for m in (b"message %d" % n for n in range(10_000)) if fits(wide(r, a, m)))


def vector(why, a, r, s, message, holds):
    """`holds`: whether the cofactorless and the cofactored equation do (of a lax decoding)."""
    assert (cofactorless(a, r, s, message), cofactored(a, r, s, message)) == holds, why
    return {"why": why, "public_key": a.hex(), "message": message.hex(),
            "signature": (r + s.to_bytes(32, "little")).hex(),
            "cofactorless": holds[0], "cofactored": holds[1]}


SECRET, NONCE = 2**251 + 12345, 2**250 + 67890
PURE = mul(SECRET, BASE)
MIXED = add(PURE, TORSION)
COMMITMENT = mul(NONCE, BASE)


def response(a, r, message):
    return (NONCE + wide(r, a, message) % L * SECRET) % L


def signed(why, a_point, r_point, fits, holds):
    a, r = compress(a_point), compress(r_point)
    message = search(a, r, fits)
    return vector(why, a, r, response(a, r, message), message, holds)


def mixed_order():
    """Keys and commitments with a torsion part are valid iff the cofactorless equation holds."""
    valid = [
        signed("key with a torsion part that the hash cancels", MIXED, COMMITMENT,
               lambda k: k % L % 8 == 0, (True, True)),
        signed("the hash cancels the torsion part only after it is reduced modulo L", MIXED, COMMITMENT,
               lambda k: k % L % 8 == 0 and k % 8 != 0, (True, True)),
        signed("torsion parts of key and R cancel each other", MIXED, add(COMMITMENT, SMALL[3]),
               lambda k: k % L % 8 == 5, (True, True)),
    ]
    refused = [
        signed("torsion part of the key remains: only the cofactored equation holds", MIXED, COMMITMENT,
               lambda k: k % L % 8 == 1, (False, True)),
        signed("the hash cancels the torsion part only before it is reduced modulo L", MIXED, COMMITMENT,
               lambda k: k % L % 8 != 0 and k % 8 == 0, (False, True)),
        signed("torsion part of R: only the cofactored equation holds", PURE, add(COMMITMENT, TORSION),
               lambda k: True, (False, True)),
        signed("R with a part of order 2: only the cofactored equation holds", PURE, add(COMMITMENT, SMALL[4]),
               lambda k: True, (False, True)),
    ]
    return valid, refused


def small_key(why, a):
    """A signature whose equation holds under a key of small order."""
    r, small = compress(COMMITMENT), decompress(a)
    message = search(a, r, lambda k: mul(k % L % 8, small) == IDENTITY)
    return vector(why, a, r, NONCE, message, (True, True))


def small_commitment(why, r):
    """A signature whose equation holds with an R of small order: the key's torsion part cancels it."""
    small, a = decompress(r), compress(MIXED)
    message = search(a, r, lambda k: add(small, mul(k % L % 8, TORSION)) == IDENTITY)
    return vector(why, a, r, wide(r, a, message) % L * SECRET % L, message, (True, True))


def small_order():
    return ([small_key(f"key of small order, {n} times the generator of order 8", compress(point))
             for n, point in enumerate(SMALL)]
            + [small_key("key of small order, not its canonical encoding", a) for a in SECOND_FORMS]
            + [small_commitment(f"R of small order, {n} times the generator of order 8", compress(point))
               for n, point in enumerate(SMALL)]
            + [small_commitment("R of small order, not its canonical encoding", r) for r in SECOND_FORMS])


def large_scalars():
    """S plus multiples of L, as far as 32 bytes go: the equations hold as before."""
    a, r, message = compress(PURE), compress(COMMITMENT), b"message"
    s = response(a, r, message)
    return [vector(f"S + {n} L", a, r, s + n * L, message, (True, True)) for n in (1, 2, 7, 8, 14)]


def refused_keys():
    """Keys alone: nobody knows the secret of those of large order."""
    twice = [raw(y, sign) for y in range(P + 2, 2**255) for sign in (0, 1) if recover(y, sign)]
    off_curve = [raw(y, 0) for y in range(2, 40) if not recover(y, 0)][:3]
    return ([{"why": "large order, y not below the field's prime", "public_key": key.hex()} for key in twice]
            + [{"why": "small order", "public_key": compress(point).hex()} for point in SMALL]
            + [{"why": "small order, not the canonical encoding", "public_key": key.hex()} for key in SECOND_FORMS]
            + [{"why": "no point of the curve", "public_key": key.hex()} for key in off_curve])


def rfc_8032():
    """Section 7.1, tests 1 to 3."""
    tests = (
        ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
         "d25bf5f0595bbe24655141438e7a100b"),
        ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
         "387b2eaeb4302aeeb00d291612bb0c00"),
        ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
         "4a7c15e9716ed28dc027beceea1ec40a"),
    )
    for number, (a, message, signature) in enumerate(tests, 1):
        a, message, signature = (bytes.fromhex(part) for part in (a, message, signature))
        s = int.from_bytes(signature[32:], "little")
        yield vector(f"RFC 8032 section 7.1, test {number}", a, signature[:32], s, message, (True, True))


def ordinary_forgeries():
    a, r = compress(PURE), compress(COMMITMENT)
    s = response(a, r, b"message")
    other = compress(mul(SECRET + 1, BASE))
    return [vector("another message", a, r, s, b"massage", (False, False)),
            vector("another key", other, r, s, b"message", (False, False)),
            vector("another S", a, r, s ^ 1, b"message", (False, False)),
            vector("another R", a, compress(mul(NONCE + 1, BASE)), s, b"message", (False, False))]


def signature_vectors():
    valid, torsion = mixed_order()
    return {
        "valid": [*rfc_8032(), *valid],
        "refused": ordinary_forgeries() + torsion + small_order() + large_scalars(),
        "refused_keys": refused_keys(),
    }
