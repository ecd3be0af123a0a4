"""Vectors of the AEO formats: encodings, how an authorization stood, benefits, check digits."""

from core_statements import AUTHOR, CHANNEL, TIME_MS
from generate_log_state import cbor, sha256, u64

DAY_MS = 86_400_000
VALID, SUSPENDED, REVOKED, WITHDRAWN, ANNULLED = range(5)
CERTIFY, AMEND, SUSPEND, REINSTATE, REVOKE, WITHDRAW, ANNUL = range(7)
AFTER = {CERTIFY: VALID, SUSPEND: SUSPENDED, REINSTATE: VALID, REVOKE: REVOKED, WITHDRAW: WITHDRAWN, ANNUL: ANNULLED}


def enc(value):
    """CBOR of nested lists with booleans and None; None at the end of a list of fields is left out."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, list):
        return cbor([0] * len(value))[:-len(value) or None] + b"".join(map(enc, value))
    return cbor(value)


def fields(*values):
    values = list(values)
    while values and values[-1] is None:
        values.pop()
    return values


# --- An authorization and what happened to it -----------------------------------------------------

OPERATOR, ALIAS = sha256(b"operator"), sha256(b"alias")
FIRST_DAY = TIME_MS // DAY_MS - 30
START = FIRST_DAY * DAY_MS
OFFICER = fields(AUTHOR.key_id, b"p" * 16)
CHECKER = fields(AUTHOR.key_id, b"q" * 16)


def terms(until, consent=True, types=(0, 1), roles=(1, 2), identifier=("uy-rut", "214033020011"), record=sha256(b"r")):
    return fields(list(types), list(roles), until, consent, identifier and list(identifier), record)


def authorization(agreed, status, effective_ms, recorded_ms, terms_ms):
    return [OPERATOR, "uy-dna", "UY-OEC-0001", FIRST_DAY, agreed, status, effective_ms, recorded_ms, terms_ms]


def play(*steps):
    """The history of (recorded_ms, action, effective_ms, terms): [(recorded_ms, transition)]."""
    history, now = [], None
    for recorded_ms, action, effective_ms, agreed in steps:
        if action == CERTIFY:
            now = dict(agreed=agreed, status=VALID, effective=effective_ms, terms=effective_ms)
        elif action == AMEND:
            now = dict(now, agreed=agreed, terms=effective_ms)
        else:
            now = dict(now, status=AFTER[action], effective=effective_ms)
        explained = action not in (CERTIFY, AMEND)
        whole = authorization(now["agreed"], now["status"], now["effective"], recorded_ms, now["terms"])
        two = action in (REVOKE, ANNUL)
        history.append((recorded_ms, [action, effective_ms, 4 if explained else None, "RG-1/2026" if explained else "",
                                      OFFICER if two else None, CHECKER if two else OFFICER, whole]))
    return history


LAST_DAY = FIRST_DAY + 400
T = TIME_MS
HISTORY = play(
    (T, CERTIFY, START, terms(LAST_DAY)),
    (T + 10, SUSPEND, T + 100, None),  # takes effect later
    (T + 20, AMEND, T + 50, terms(LAST_DAY, consent=False)),
    (T + 200, REINSTATE, T + 90, None),  # before the suspension it undoes
    (T + 300, AMEND, T + 260, terms(FIRST_DAY + 40, identifier=None, record=None)),
    (T + 400, REVOKE, T + 350, None),
)
AS_OF = [(T, T - 1), (START - 1, T), (START, T), (T + 49, T + 20), (T + 50, T + 20), (T + 50, T + 19), (T + 99, T + 30),
         (T + 100, T + 30), (T + 100, T + 200), (T + 95, T + 199), (T + 260, T + 300),
         ((FIRST_DAY + 41) * DAY_MS - 1, T + 300), ((FIRST_DAY + 41) * DAY_MS, T + 300),
         ((LAST_DAY + 1) * DAY_MS, T + 200), (T + 349, T + 400), (T + 350, T + 400), (2**63, 2**63)]
STANDINGS = ["not-yet-valid", "valid", "suspended", "expired", "revoked", "withdrawn", "annulled"]


def stood(history, effective_ms, recorded_ms):
    """How it stood: [authorization, standing, since, terms since], or None."""
    known = [(at, t) for at, t in history if at <= recorded_ms]
    if not known:
        return None
    counted = known[:1] + [(at, t) for at, t in known[1:] if t[1] <= effective_ms]
    of_status = [t for _, t in counted if t[0] != AMEND][-1]
    of_terms = [t for _, t in counted if t[0] in (CERTIFY, AMEND)][-1]
    status, status_ms, terms_ms, agreed = of_status[6][5], of_status[1], of_terms[1], of_terms[6][4]
    whole = authorization(agreed, status, status_ms, counted[-1][0], terms_ms)
    until = agreed[2] if len(agreed) > 2 else None
    end_ms = None if until is None else (until + 1) * DAY_MS
    if status >= REVOKED:
        standing, since = status + 2, status_ms
    elif end_ms is not None and effective_ms >= end_ms:
        standing, since = 3, end_ms
    elif status == SUSPENDED:
        standing, since = 2, status_ms
    elif effective_ms < START:
        standing, since = 0, counted[-1][0]
    else:
        standing, since = 1, max(status_ms, START)
    return [whole, standing, since, terms_ms]


def time_line(history):
    return b"".join(u64(at) + u64(t[1]) + bytes([0xff if t[0] == AMEND else t[6][5]]) for at, t in history)


# --- Arrangements and benefits --------------------------------------------------------------------

REASONS = ["unknown-mra", "member-not-party", "partner-not-party", "mra-not-accepted", "mra-not-yet-in-force",
           "mra-ended", "type-not-recognized", "role-not-recognized", "unknown-operator", "annulled", "revoked",
           "withdrawn", "expired", "not-yet-valid", "type-not-held", "role-not-held", "no-consent", "suspended", "due"]
MRA_TERMS = fields(["br-rfb", "py-dnit", "uy-dna"], [1], [1, 3], True, FIRST_DAY + 5, FIRST_DAY + 300,
                   [["br-rfb", "py-dnit", FIRST_DAY + 20]], sha256(b"text"))
MRA = ["mercosur", MRA_TERMS, "br-rfb", [["br-rfb", T - 9], ["uy-dna", T + 1], ["py-dnit", T + 5]],
       [["py-dnit", T + 500, T + 450]]]


def due_since(as_of, member, partner):
    """Since when the arrangement is applied between the two, or why it is not."""
    effective_ms, recorded_ms = as_of
    parties, types, roles, _, first, last, pairs, _ = MRA_TERMS
    accepted = {who: at for who, at in MRA[3] if at <= recorded_ms}
    if MRA[2] not in accepted:
        return "unknown-mra", None
    for who, why in ((member, "member-not-party"), (partner, "partner-not-party")):
        if who not in parties:
            return why, None
    if member not in accepted or partner not in accepted:
        return "mra-not-accepted", None
    pair = sorted([member, partner])
    own = [day for *two, day in pairs if two == pair]
    since = max((own[0] if own else first) * DAY_MS, accepted[member], accepted[partner])
    if effective_ms < since:
        return "mra-not-yet-in-force", None
    ends = [at for who, at, when in MRA[4] if who in pair and when <= recorded_ms] + [(last + 1) * DAY_MS]
    return ("mra-ended", min(ends)) if min(ends) <= effective_ms else (None, since)


def benefit(as_of, member, partner, role, aeo_type, standing):
    why, since = due_since(as_of, member, partner)
    if why:
        return why, since
    if aeo_type not in MRA_TERMS[1]:
        return "type-not-recognized", since
    if role not in MRA_TERMS[2]:
        return "role-not-recognized", since
    if standing is None or partner != "uy-dna":
        return "unknown-operator", None
    whole, how, how_since, terms_since = standing
    types, roles, _, consent = whole[4][:4]
    if how == 0:
        return "not-yet-valid", None
    if how >= 3:
        return STANDINGS[how], how_since
    for held, name in ((aeo_type in types, "type-not-held"), (role in roles, "role-not-held"), (consent, "no-consent")):
        if not held:
            return name, terms_since
    return ("suspended", how_since) if how == 2 else ("due", max(since, how_since, terms_since))


def benefit_vectors():
    asked = [((T + n, T + n), "br-rfb", "uy-dna", 1, 1) for n in (-10, -9, 0, 1, 30, 49, 50, 120, 400)]
    asked += [((T + n, T + n), "py-dnit", "uy-dna", 1, 1) for n in (4, 5, 449, 500)]
    asked += [((T + 5, T + 5), "py-dnit", "uy-dna", 3, 1), ((T + 5, T + 5), "br-rfb", "py-dnit", 1, 1),
              ((T + 5, T + 5), "br-rfb", "uy-dna", 0, 1), ((T + 5, T + 5), "br-rfb", "uy-dna", 1, 0),
              ((T + 5, T + 5), "cl-sna", "uy-dna", 1, 1), ((T + 5, T + 5), "br-rfb", "cl-sna", 1, 1),
              ((START, T + 5), "br-rfb", "uy-dna", 1, 1), ((T + 150, T + 150), "br-rfb", "uy-dna", 1, 1),
              ((T + 499, T + 460), "py-dnit", "br-rfb", 1, 1), ((T + 10, T + 460), "py-dnit", "uy-dna", 1, 1),
              (((FIRST_DAY + 301) * DAY_MS, T + 250), "br-rfb", "uy-dna", 1, 1)]
    vectors = []
    for as_of, member, partner, role, aeo_type in asked:
        standing = stood(HISTORY, *as_of)
        why, since = benefit(as_of, member, partner, role, aeo_type, standing)
        query = fields("mercosur", member, partner, OPERATOR, role, aeo_type, list(as_of))
        decided = standing if REASONS.index(why) > REASONS.index("unknown-operator") else None
        answer = [REASONS.index(why), since, decided, list(as_of)]
        vectors.append({"query": enc(query).hex(), "reason": why, "since_ms": since, "answer": enc(answer).hex()})
    return vectors


# --- Check digits ---------------------------------------------------------------------------------

def weighted(body, weights, value=lambda c: ord(c) - 48):
    return sum(value(c) * weights[i % len(weights)] for i, c in enumerate(reversed(body)))


def modulo_11(body, weights, of_ten, of_eleven="0"):
    rest = 11 - weighted(body, weights) % 11
    return {10: of_ten, 11: of_eleven}.get(rest, str(rest))


LOW, HIGH = [2, 3, 4, 5, 6, 7], [2, 3, 4, 5, 6, 7, 8, 9]
RFC = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ"


def colombian(body):
    rest = weighted(body, [3, 7, 13, 17, 19, 23, 29, 37, 41]) % 11
    return str(rest if rest < 2 else 11 - rest)


def mexican(body):
    rest = weighted(body.rjust(12), list(range(2, 14)), RFC.index) % 11
    return {0: "0", 1: "A"}.get(rest, str(11 - rest))


CHECKS = {
    "ar-cuit": lambda body: modulo_11(body, LOW, None),
    "br-cnpj": lambda body: modulo_11(body, HIGH, "0"),
    "cl-rut": lambda body: modulo_11(body, LOW, "K"),
    "co-nit": colombian,
    "gt-nit": lambda body: modulo_11(body, HIGH, "K"),
    "mx-rfc": mexican,
    "pe-ruc": lambda body: str((11 - weighted(body, LOW) % 11) % 10),
    "py-ruc": lambda body: modulo_11(body, list(range(2, 12)), "0"),
    "uy-rut": lambda body: modulo_11(body, HIGH, None),
}
BODIES = {
    "ar-cuit": "30%08d", "cl-rut": "76%06d", "co-nit": "800%06d", "gt-nit": "5%06d", "pe-ruc": "20%08d",
    "py-ruc": "800%05d", "uy-rut": "21%09d", "mx-rfc": "ÑA&%02d0229AB",
}


def check_digit_vectors():
    vectors = []
    for scheme, digit in CHECKS.items():
        good = []
        for n in range(0, 220, 11) if scheme != "mx-rfc" else range(0, 20):
            if scheme == "br-cnpj":
                body = f"1{n:02d}ABC{n * 7919:04d}0001"[:12].upper()
                body += digit(body)
            else:
                body = BODIES[scheme] % n if scheme == "mx-rfc" else BODIES[scheme] % (n * 4_513 % 100_000)
            if digit(body) is not None:
                good.append(body + digit(body))
        vectors.append({"scheme": scheme, "good": good})
    return vectors


def aeo_vectors():
    alias = [ALIAS, OPERATOR, "br-rfb", 0, ["br-cnpj", "12ABC34501DE35"],
             [[T, T + 1, 1], [T + 2, None, 0]]]
    pending = [OPERATOR, "uy-dna", "UY-OEC-0001", ANNUL, START, 9, "", OFFICER, CHANNEL, T, T + 7 * DAY_MS]
    return {
        "operator": OPERATOR.hex(), "alias_tag": ALIAS.hex(), "time_ms": T, "first_day": FIRST_DAY,
        "history": [{"recorded_ms": at, "transition": enc(t).hex()} for at, t in HISTORY],
        "time_line": time_line(HISTORY).hex(),
        "alias": enc(alias).hex(), "pending": enc(pending).hex(), "mra": enc(MRA).hex(),
        "standings": [{"effective_ms": e, "recorded_ms": r, "standing": s and STANDINGS[s[1]],
                       "since_ms": s and s[2], "encoded": s and enc(s).hex()}
                      for e, r in AS_OF for s in [stood(HISTORY, e, r)]],
        "benefits": benefit_vectors(),
        "check_digits": check_digit_vectors(),
    }
