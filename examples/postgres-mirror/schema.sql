-- The mirror's tables and views. Idempotent: applied at every start.
--
-- Nothing here is computed when it is written, except what was last recorded: a transition may take
-- effect in the future, and an authorization expires without anybody writing anything. How it stands
-- is computed when it is asked (aeo_standing), by the rule of the ledger: status and terms are each
-- what the last recorded transition of their kind says among those effective by now.

CREATE TABLE IF NOT EXISTS mirror_state (
    one          boolean PRIMARY KEY DEFAULT true CHECK (one),
    channel      text NOT NULL,        -- genesis hash: another ledger needs another database
    load_height  bigint NOT NULL,      -- the initial load reads the ledger as of this height
    load_known   timestamptz NOT NULL, -- and this ledger time
    load_cursor  text,                 -- next page of the initial load; NULL once it is complete
    event_cursor text                  -- last event applied; NULL before the first
);

-- One row per authorization, as last recorded.
CREATE TABLE IF NOT EXISTS aeo_authorization (
    member            text NOT NULL,
    number            text NOT NULL,
    operator          text NOT NULL, -- lookup tag
    identifier_scheme text,          -- where the member's law publishes the identifier
    identifier        text,
    types             text[] NOT NULL,
    roles             text[] NOT NULL,
    consent           boolean NOT NULL,
    valid_from        date NOT NULL,
    valid_until       date, -- last day; NULL: until it is ended
    status            text NOT NULL,
    recorded_at       timestamptz NOT NULL, -- ledger time of the last transition
    height            bigint NOT NULL,      -- and the height of its block
    PRIMARY KEY (member, number)
);
CREATE INDEX IF NOT EXISTS aeo_authorization_operator ON aeo_authorization (operator);
CREATE INDEX IF NOT EXISTS aeo_authorization_identifier
    ON aeo_authorization (identifier_scheme, identifier);

-- The whole history: who asserted what, from when on, recorded when.
CREATE TABLE IF NOT EXISTS aeo_transition (
    sequence     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- of one authorization: as recorded
    transaction  text NOT NULL UNIQUE, -- the ledger's: the same news twice is one row
    member       text NOT NULL,
    number       text NOT NULL,
    action       text NOT NULL,
    effective_at timestamptz NOT NULL,
    reason       text,
    reference    text NOT NULL,
    recorded_at  timestamptz NOT NULL,
    height       bigint NOT NULL,
    status       text NOT NULL, -- with this transition, as all that follows
    types        text[] NOT NULL,
    roles        text[] NOT NULL,
    consent      boolean NOT NULL,
    valid_until  date,
    FOREIGN KEY (member, number) REFERENCES aeo_authorization
);
CREATE INDEX IF NOT EXISTS aeo_transition_authorization
    ON aeo_transition (member, number, sequence);

-- How every authorization stands at this moment.
CREATE OR REPLACE VIEW aeo_standing AS
SELECT
    a.member,
    a.number,
    a.operator,
    a.identifier_scheme,
    a.identifier,
    terms.types,
    terms.roles,
    terms.consent,
    a.valid_from,
    terms.valid_until,
    judged.standing,
    CASE judged.standing
        WHEN 'expired' THEN (terms.valid_until + 1)::timestamp AT TIME ZONE 'UTC'
        WHEN 'valid' THEN greatest(
            status.effective_at, a.valid_from::timestamp AT TIME ZONE 'UTC')
        WHEN 'not-yet-valid' THEN greatest(status.recorded_at, terms.recorded_at)
        ELSE status.effective_at
    END AS since,
    a.recorded_at,
    a.height
FROM aeo_authorization a
CROSS JOIN LATERAL (
    SELECT t.status, t.effective_at, t.recorded_at FROM aeo_transition t
    WHERE t.member = a.member AND t.number = a.number AND t.action <> 'amend'
        -- A grant is known to be coming before it takes effect.
        AND (t.effective_at <= now() OR t.action = 'certify')
    ORDER BY t.sequence DESC LIMIT 1
) status
CROSS JOIN LATERAL (
    SELECT t.types, t.roles, t.consent, t.valid_until, t.recorded_at FROM aeo_transition t
    WHERE t.member = a.member AND t.number = a.number
        AND (t.action = 'certify' OR t.action = 'amend' AND t.effective_at <= now())
    ORDER BY t.sequence DESC LIMIT 1
) terms
CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE 'UTC')::date AS today) clock
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN status.status IN ('revoked', 'withdrawn', 'annulled') THEN status.status
        WHEN clock.today > terms.valid_until THEN 'expired'
        WHEN status.status = 'suspended' THEN 'suspended'
        WHEN clock.today < a.valid_from THEN 'not-yet-valid'
        ELSE 'valid'
    END AS standing
) judged;

-- What a risk engine joins with.
CREATE OR REPLACE VIEW aeo_in_force AS
SELECT
    member, number, operator, identifier_scheme, identifier, types, roles, consent,
    valid_from, valid_until, since
FROM aeo_standing
WHERE standing = 'valid';
