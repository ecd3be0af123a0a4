//! What the codes of refusals mean and what to do about them, for people.

use precinto_protocol::outcome::{VoidReason, code};

/// What a rejection by execution itself means.
pub(crate) fn explain(rejection: &str) -> &'static str {
    match rejection {
        code::IDENTITY_REVOKED => "the author's identity is revoked",
        code::IDENTITY_EXPIRED => "the author's identity is not valid at this ledger time",
        code::NOT_A_NODE => "only a node may sign on behalf of an officer",
        code::UNKNOWN_CONTRACT => "no contract of this name is active",
        code::CONTRACT_CHANGED => "another version of the contract is active",
        code::UNKNOWN_METHOD => "the contract has no such method, or nobody may call it",
        _ => "the call was refused",
    }
}

/// What to do about a rejection by execution itself.
pub(crate) fn rejection_hint(rejection: &str) -> &'static str {
    match rejection {
        code::IDENTITY_REVOKED => "sign with another identity; your administrator enrols one",
        code::IDENTITY_EXPIRED => "have your administrator rotate the key, or check its validity",
        code::NOT_A_NODE => "leave `on_behalf` out, or let your administration's node sign",
        code::UNKNOWN_CONTRACT => "check the name against the channel's list of contracts",
        code::CONTRACT_CHANGED => "read the active version, check the call against it, sign again",
        code::UNKNOWN_METHOD => "check the name against the methods in the contract's policies",
        _ => "correct the call and sign it again",
    }
}

/// What an item that leaves nothing behind did wrong.
pub(crate) fn void_reason(reason: VoidReason) -> &'static str {
    match reason {
        VoidReason::Malformed => "not a canonical transaction",
        VoidReason::WrongChannel => "signed for another channel",
        VoidReason::UnknownIdentity => "the author's key is not enrolled",
        VoidReason::BadSignature => "the author's signature is invalid",
        VoidReason::ExpiryTooFar => "expires further ahead than the channel allows",
        VoidReason::Endorsements => "the signatures are not exactly those that the policy asks for",
    }
}

/// What to do about it.
pub(crate) fn void_hint(reason: VoidReason) -> &'static str {
    match reason {
        VoidReason::Malformed => "encode the transaction as docs/FORMATS.md says",
        VoidReason::WrongChannel => "put this channel's genesis hash in the call and sign again",
        VoidReason::UnknownIdentity => {
            "have your administrator enrol the key, or sign with another"
        }
        VoidReason::BadSignature => {
            "sign with the key that the header names, and change nothing after"
        }
        VoidReason::ExpiryTooFar => "choose an earlier `expires_ms`; see parameter max-expiry-ms",
        VoidReason::Endorsements => {
            "check your role against the method's policy, and add exactly the endorsements it asks for"
        }
    }
}
