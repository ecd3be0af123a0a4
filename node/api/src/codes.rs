//! Every code a client may meet, in one place: its HTTP status, title and hint.
//!
//! A rejection by a contract that is not listed here (contracts add codes of their own) is
//! answered with 422 and the contract's message. One line per code, so that the tables read as
//! tables.

/// What a code means to a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeInfo {
    /// Stable kebab-case code.
    pub code: &'static str,
    /// HTTP status of a response that carries it.
    pub status: u16,
    /// The kind of problem, the same for every occurrence.
    pub title: &'static str,
    /// What to do about it.
    pub hint: &'static str,
}

/// The body is not JSON of the expected shape.
pub const MALFORMED_BODY: &str = "malformed-body";
/// A parameter in path or query is not of the expected form.
pub const INVALID_PARAMETER: &str = "invalid-parameter";
/// A field of the body is not of the expected form.
pub const INVALID_FIELD: &str = "invalid-field";
/// The content type is not one the endpoint takes.
pub const UNSUPPORTED_MEDIA_TYPE: &str = "unsupported-media-type";
/// The body is larger than the limit.
pub const BODY_TOO_LARGE: &str = "body-too-large";
/// More transactions or rows than one request may carry.
pub const TOO_MANY_ITEMS: &str = "too-many-items";
/// No bearer token, or one that is nobody's.
pub const UNAUTHORIZED: &str = "unauthorized";
/// The account lacks a role.
pub const ROLE_REQUIRED: &str = "role-required";
/// Name or password is wrong.
pub const WRONG_PASSWORD: &str = "wrong-password";
/// Too many attempts to log in failed.
pub const TOO_MANY_ATTEMPTS: &str = "too-many-attempts";
/// A new password breaks a rule.
pub const WEAK_PASSWORD: &str = "weak-password";
/// No such account.
pub const UNKNOWN_USER: &str = "unknown-user";
/// The account's name is taken.
pub const USER_EXISTS: &str = "user-exists";
/// The account has no such token.
pub const UNKNOWN_TOKEN: &str = "unknown-token";
/// Nobody could manage accounts any more.
pub const LAST_ADMIN_ACCOUNT: &str = "last-admin-account";
/// The request needs a session, not a token.
pub const NO_SESSION: &str = "no-session";
/// Reads cannot be recorded.
pub const AUDIT_UNAVAILABLE: &str = "audit-unavailable";
/// No such path.
pub const UNKNOWN_PATH: &str = "unknown-path";
/// The path does not take the method.
pub const METHOD_NOT_ALLOWED: &str = "method-not-allowed";
/// The node does not have the block.
pub const UNKNOWN_BLOCK: &str = "unknown-block";
/// The node has signed no checkpoint yet.
pub const NO_CHECKPOINT: &str = "no-checkpoint";
/// The request took too long.
pub const REQUEST_TIMEOUT: &str = "request-timeout";
/// Too many requests or event streams at once.
pub const OVERLOADED: &str = "overloaded";
/// The node failed.
pub const INTERNAL: &str = "internal";
/// No leader is known.
pub const NO_LEADER: &str = "no-leader";
/// A queue of the node is full.
pub const QUEUE_FULL: &str = "queue-full";
/// The member has used up its budget.
pub const BUDGET_EXCEEDED: &str = "budget-exceeded";
/// By the node's clock it has expired, by ledger time it has not.
pub const EXPIRED_BY_CLOCK: &str = "expired-by-clock";
/// The leader did not answer: the transaction may or may not be ordered.
pub const OUTCOME_UNKNOWN: &str = "outcome-unknown";
/// Members whose endorsement a policy asks for refused or did not answer.
pub const ENDORSEMENT_FAILED: &str = "endorsement-failed";
/// The node does not execute any more.
pub const NODE_HALTED: &str = "node-halted";
/// Half of the members signed another history than this node computed.
pub const HISTORY_DISPUTED: &str = "history-disputed";
/// The node's disk is full.
pub const DISK_FULL: &str = "disk-full";
/// The node is shutting down.
pub const NODE_STOPPING: &str = "node-stopping";
/// The client reads an event stream too slowly.
pub const SLOW_CLIENT: &str = "slow-client";
/// The node has as many webhooks as it may.
pub const TOO_MANY_WEBHOOKS: &str = "too-many-webhooks";
/// No webhook has this id.
pub const UNKNOWN_WEBHOOK: &str = "unknown-webhook";
/// The batch was not submitted because other rows are bad.
pub const NOT_SUBMITTED: &str = "not-submitted";
/// Not a transaction or statement in its deterministic encoding.
pub const MALFORMED: &str = "malformed";
/// The node has not executed what a cursor refers to.
pub const NODE_BEHIND: &str = "node-behind";
/// An authorization that does not exist.
pub const UNKNOWN_AUTHORIZATION: &str = "unknown-authorization";
/// An arrangement that does not exist.
pub const UNKNOWN_MRA: &str = "unknown-mra";

const fn info(
    code: &'static str,
    status: u16,
    title: &'static str,
    hint: &'static str,
) -> CodeInfo {
    CodeInfo { code, status, title, hint }
}

/// Codes of the interface itself.
#[rustfmt::skip]
const INTERFACE: &[CodeInfo] = &[
    info(MALFORMED_BODY, 400, "Malformed body", "Send JSON as /v1/openapi.json describes it; unknown fields are refused."),
    info(INVALID_PARAMETER, 400, "Invalid parameter", "Correct the parameter named in the detail; /v1/openapi.json lists what each takes."),
    info(INVALID_FIELD, 400, "Invalid field", "Correct the field named in the detail and send the request again."),
    info(UNSUPPORTED_MEDIA_TYPE, 415, "Unsupported media type", "Set Content-Type to one that the endpoint takes (see /v1/openapi.json)."),
    info(BODY_TOO_LARGE, 413, "Body too large", "Split the request into smaller ones."),
    info(TOO_MANY_ITEMS, 413, "Too many items", "Send at most 1000 items in one request."),
    info(UNAUTHORIZED, 401, "Not logged in", "Log in (`precinto login`), or send `Authorization: Bearer <token>` with a token of an account of this node."),
    info(ROLE_REQUIRED, 403, "Role required", "Ask this node's operator for the role named in the detail, or use another account."),
    info(WRONG_PASSWORD, 401, "Wrong name or password", "Check both; an admin of this node can reset a password (`precinto user passwd`)."),
    info(TOO_MANY_ATTEMPTS, 429, "Too many attempts", "Wait as long as Retry-After says; every further failure doubles it."),
    info(WEAK_PASSWORD, 422, "Weak password", "Choose a longer one that nobody guesses, such as four random words."),
    info(UNKNOWN_USER, 404, "Unknown user", "List the accounts with `precinto user list`."),
    info(USER_EXISTS, 409, "User exists", "Choose another name, or change the account that there is."),
    info(UNKNOWN_TOKEN, 404, "Unknown token", "List the account's tokens with `precinto user list`."),
    info(LAST_ADMIN_ACCOUNT, 409, "Last admin", "Give another account the role `admin` first."),
    info(NO_SESSION, 409, "No session", "Log in with `precinto login`; a token ends by being revoked."),
    info(AUDIT_UNAVAILABLE, 503, "Audit trail unavailable", "Reads must be recorded: try again, and if it lasts, the node's operator must look at its disk."),
    info(UNKNOWN_PATH, 404, "Unknown path", "See /v1/openapi.json for what this node serves."),
    info(METHOD_NOT_ALLOWED, 405, "Method not allowed", "See the Allow header and /v1/openapi.json."),
    info(UNKNOWN_BLOCK, 404, "Unknown block", "Heights start at 1 and end at the height in /v1/status; a node that joined by snapshot may lack older blocks."),
    info(NO_CHECKPOINT, 404, "No checkpoint yet", "The node signs its first checkpoint after its first block; try again."),
    info(REQUEST_TIMEOUT, 503, "Request timed out", "Try again. A transaction may have been submitted all the same: ask for its status by id."),
    info(OVERLOADED, 503, "Overloaded", "Try again after the time in Retry-After, with fewer requests at once."),
    info(INTERNAL, 500, "Internal error", "The node's log tells more; report it to the node's operator."),
    info(SLOW_CLIENT, 503, "Client too slow", "Connect again with the last event id, and read faster or filter more."),
    info(TOO_MANY_WEBHOOKS, 409, "Too many webhooks", "Remove one that is no longer used, or let one receiver pass events on."),
    info(UNKNOWN_WEBHOOK, 404, "Unknown webhook", "List this node's webhooks."),
    info(NOT_SUBMITTED, 422, "Not submitted", "Correct the bad rows, or send the batch with mode `skip-bad`."),
];

/// Codes of a node that cannot do what it is asked at the moment.
#[rustfmt::skip]
const NODE: &[CodeInfo] = &[
    info(NO_LEADER, 503, "No leader", "The network is electing a leader or has lost its quorum; try again shortly."),
    info(QUEUE_FULL, 503, "Queue full", "Try again after the time in Retry-After."),
    info(BUDGET_EXCEEDED, 429, "Budget exceeded", "The member submits more than its share; slow down."),
    info(OUTCOME_UNKNOWN, 504, "Outcome unknown", "The transaction may or may not be ordered: ask for its status by id, or submit the same bytes again (that is safe)."),
    info(ENDORSEMENT_FAILED, 409, "Endorsement failed", "The detail names every member that refused or did not answer: ask it why, or try again if it was away. Nothing was submitted."),
    info(HISTORY_DISPUTED, 503, "History disputed", "Half of the members signed another history; writes stop until a majority agrees. The operators must compare their evidence."),
    info(NODE_HALTED, 503, "Node halted", "The node stopped executing for safety; its operator must look at the evidence it wrote. Use another node."),
    info(DISK_FULL, 503, "Disk full", "This node reads but takes no writes until its operator makes room; use another node."),
    info(EXPIRED_BY_CLOCK, 503, "Expired by this node's clock", "Not final: it may still be executed. Ask for its status or send it again; sign another one only once it is `expired`."),
    info(NODE_BEHIND, 503, "Node behind", "Try again shortly, or go on at the node that gave the cursor."),
    info(NODE_STOPPING, 503, "Node stopping", "The node is shutting down; use another one or try again."),
];

/// Codes of admission and execution.
#[rustfmt::skip]
const EXECUTION: &[CodeInfo] = &[
    info(MALFORMED, 400, "Malformed transaction", "Send a transaction in its deterministic encoding (docs/FORMATS.md); use a client library."),
    info("statement-too-large", 413, "Statement too large", "A statement has at most 60 KiB; put large documents elsewhere and notarize their commitment."),
    info("wrong-channel", 422, "Signed for another channel", "Sign with the genesis hash that /v1/status shows as `channel`."),
    info("unknown-identity", 403, "Unknown identity", "Check the key id; an admin of the member enrols keys."),
    info("bad-signature", 403, "Bad signature", "Sign the statement with the key whose id it names."),
    info("identity-revoked", 403, "Identity revoked", "Sign with a key in force; a revoked one never comes back."),
    info("identity-expired", 403, "Identity not in force", "The key is not valid yet or no longer at ledger time; rotate it."),
    info("not-a-node", 403, "Not a node", "Only a node's identity may act on behalf of an officer; leave `on_behalf` out."),
    info("endorsements-do-not-meet-policy", 403, "Endorsements do not meet the policy", "Collect exactly the endorsements that the method's policy asks for; /v1/contracts shows it."),
    info("duplicate", 409, "Submitted already", "Nothing to do: ask for the transaction's status by its id."),
    info("state-unavailable", 503, "State unavailable", "Try again, or use another node."),
    info("expired", 422, "Expired", "Build and sign the transaction again with a later `expires_ms`."),
    info("expiry-too-far", 422, "Expires too far ahead", "Set `expires_ms` within ten minutes (the channel's max-expiry-ms) of the time in /v1/status."),
    info("unknown-contract", 404, "Unknown contract", "/v1/contracts lists the active ones."),
    info("unknown-method", 404, "Unknown method", "/v1/contracts lists the methods of each contract."),
    info("contract-changed", 409, "Contract version changed", "Sign again for the version that /v1/contracts shows."),
    info("contract-trapped", 422, "Contract trapped", "The call hit a defect of the contract; report it with the transaction id."),
    info("out-of-fuel", 422, "Out of fuel", "Do less in one call."),
    info("call-depth-exceeded", 422, "Nested too deeply", "The call hit a defect of the contract; report it with the transaction id."),
    info("bad-output", 422, "Bad output", "The call hit a defect of the contract; report it with the transaction id."),
    info("nothing-to-take", 422, "Nothing to take", "The call hit a defect of the contract; report it with the transaction id."),
    info("no-migration", 422, "No migration", "Install a module that can migrate the contract's state."),
    info("key-invalid", 422, "Invalid state key", "The call hit a defect of the contract; report it with the transaction id."),
    info("value-too-large", 422, "Value too large", "Store less in one record."),
    info("kind-mismatch", 422, "State kind mismatch", "The call hit a defect of the contract; report it with the transaction id."),
    info("read-only", 422, "Read only", "Queries cannot write: submit a transaction instead."),
    info("topic-invalid", 422, "Invalid event topic", "The call hit a defect of the contract; report it with the transaction id."),
    info("event-too-large", 422, "Event too large", "Store less in one record."),
    info("too-many-events", 422, "Too many events", "Do less in one call."),
];

/// Codes of the built-in contracts.
#[rustfmt::skip]
const CONTRACTS: &[CodeInfo] = &[
    info("no-author", 422, "No author", "Submit it as a transaction, not as a query."),
    info("corrupt-state", 500, "Corrupt state", "Report it with the transaction id; the node's operator must look at it."),
    info("bad-arguments", 422, "Bad arguments", "Correct the field named in the detail."),
    info(UNKNOWN_AUTHORIZATION, 404, "Unknown authorization", "Check scheme, identifier, number and the issuing member."),
    info("number-taken", 409, "Number taken", "The member has used this number before; grant under another, or amend the authorization that has it."),
    info("terminal-status", 409, "Ended for ever", "A revoked, withdrawn or annulled authorization stays so; certify the operator again under a new number."),
    info("authorization-expired", 409, "Authorization expired", "An expired authorization can only be annulled; certify the operator again under a new number."),
    info("nothing-to-amend", 409, "Nothing to amend", "The terms are these already."),
    info("already-suspended", 409, "Already suspended", "Nothing to do, or reinstate it first."),
    info("not-suspended", 409, "Not suspended", "Only a suspended authorization can be reinstated."),
    info("effective-before-grant", 422, "Effective before the grant", "Choose a time from the first day of validity on; to undo it from the beginning, annul it."),
    info("effective-time-out-of-range", 422, "Effective time out of range", "Choose a time within a year of today."),
    info("history-full", 409, "History full", "The authorization has been changed as often as it can be; certify the operator again under a new number."),
    info("too-many-authorizations", 409, "Too many authorizations", "Change one that exists instead of granting another."),
    info("pending-exists", 409, "Pending already", "A revocation or annulment of this authorization waits for a second person; approve or decline that one (GET /v1/aeo/pending)."),
    info("unknown-proposal", 404, "Unknown proposal", "It was decided, replaced or never made; see what is pending (GET /v1/aeo/pending)."),
    info("pending-expired", 409, "Proposal expired", "It waited too long for a second person; propose it again."),
    info("same-person", 403, "Same person", "Another person of the member must approve what you proposed; you may decline it."),
    info("alias-of-itself", 422, "Alias of itself", "Name another identifier than the operator's own."),
    info("not-your-operator", 403, "Not your operator", "Only a member that authorized the operator declares this for everybody; use mode `receiver` to translate for your own member alone."),
    info("too-many-aliases", 409, "Too many aliases", "Retire a declaration that is not needed any more."),
    info("alias-exists", 409, "Declared already", "Nothing to do, or retire it first to declare it in another way."),
    info("unknown-alias", 404, "Unknown alias", "Your member has no such declaration in force (GET /v1/aeo/operators/{scheme}/{identifier}/aliases)."),
    info("mra-exists", 409, "Arrangement exists", "Choose another id; the terms of an arrangement never change."),
    info(UNKNOWN_MRA, 404, "Unknown arrangement", "See the arrangements there are (GET /v1/aeo/mras)."),
    info("not-a-party", 403, "Not a party", "Only a party proposes, accepts and leaves an arrangement; name your member among them."),
    info("already-accepted", 409, "Accepted already", "Nothing to do."),
    info("not-accepted", 409, "Not accepted", "Only a party that accepted an arrangement can leave it."),
    info("already-left", 409, "Left already", "Nothing to do; who has left an arrangement concludes another."),
    info("already-revoked", 409, "Already revoked", "Nothing to do."),
    info("node-identity", 403, "A node's identity", "A node's keys come and go with it: replace the node (`precinto node replace`)."),
    info("no-possession", 422, "No proof of possession", "Sign the message that docs/FORMATS.md gives with the new key itself; `precinto node prepare` does it for nodes."),
    info("unknown-node", 404, "Unknown node", "Name an active node of the member whose admin signs; /v1/nodes lists them."),
    info("already-registered", 409, "Registered before", "Ids, storages and keys of nodes are never used twice: prepare the node again, with a higher number."),
    info("change-pending", 409, "A change is under way", "Try again in a moment: the last change of nodes is not in force yet."),
    info("would-lose-quorum", 409, "Would lose the quorum", "Too few voters would be left: wait until the node that joins is promoted and votes."),
    info("no-seat", 409, "No voter's seat", "Only a node that replaced a voter can be promoted, once."),
    info("already-enrolled", 409, "Already enrolled", "Enrol another key; key ids are never used twice."),
    info("last-admin", 409, "Last admin", "Enrol another admin of the member first."),
];

/// Every listed code.
pub fn all() -> impl Iterator<Item = &'static CodeInfo> {
    [INTERFACE, NODE, EXECUTION, CONTRACTS].into_iter().flatten()
}

/// What `code` means; a rejection by a contract if it is not listed.
pub fn lookup(code: &str) -> CodeInfo {
    let unlisted = info(
        "rejected",
        422,
        "Rejected by the contract",
        "See the detail and the contract's documentation.",
    );
    all().find(|known| known.code == code).copied().unwrap_or(unlisted)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use precinto_protocol::{
        host::{Refusal, is_code},
        outcome::{VoidReason, code as outcome_code},
    };

    use super::*;

    #[test]
    fn codes_are_well_formed_unique_and_have_an_error_status() {
        let mut seen = BTreeSet::new();
        for known in all() {
            assert!(is_code(known.code.as_bytes()), "{}", known.code);
            assert!(seen.insert(known.code), "{} is listed twice", known.code);
            assert!((400..600).contains(&known.status), "{}", known.code);
            assert!(!known.hint.is_empty(), "{}", known.code);
        }
    }

    #[test]
    fn every_code_of_the_protocol_is_listed() {
        let outcomes = [
            outcome_code::UNKNOWN_CONTRACT,
            outcome_code::CONTRACT_CHANGED,
            outcome_code::UNKNOWN_METHOD,
            outcome_code::IDENTITY_REVOKED,
            outcome_code::IDENTITY_EXPIRED,
            outcome_code::NOT_A_NODE,
            outcome_code::CONTRACT_TRAPPED,
            outcome_code::OUT_OF_FUEL,
        ];
        let voids = [
            VoidReason::Malformed,
            VoidReason::WrongChannel,
            VoidReason::UnknownIdentity,
            VoidReason::BadSignature,
            VoidReason::ExpiryTooFar,
            VoidReason::Endorsements,
        ];
        let refusals = [
            Refusal::KeyInvalid,
            Refusal::ValueTooLarge,
            Refusal::KindMismatch,
            Refusal::ReadOnly,
            Refusal::TopicInvalid,
            Refusal::EventTooLarge,
            Refusal::TooManyEvents,
        ];
        let expected = outcomes
            .into_iter()
            .chain(voids.map(VoidReason::code))
            .chain(refusals.map(Refusal::code));
        for code in expected {
            assert_eq!(lookup(code).code, code);
        }
    }

    #[test]
    fn an_unlisted_code_is_a_rejection() {
        assert_eq!(lookup("quota-of-the-month").status, 422);
    }
}
