//! Codes of the contract's rejections, besides those of the SDK (`bad-arguments`,
//! `unknown-method`, `corrupt-state`). Clients branch on them: one is never given another meaning.

/// The call has no author.
pub const NO_AUTHOR: &str = "no-author";
/// The member used this authorization number before, for whichever operator.
pub const NUMBER_TAKEN: &str = "number-taken";
/// The member granted no authorization of this number to this operator.
pub const UNKNOWN_AUTHORIZATION: &str = "unknown-authorization";
/// The member granted as many authorizations to this operator as it may.
pub const TOO_MANY_AUTHORIZATIONS: &str = "too-many-authorizations";
/// The authorization was changed as often as it may be: what ends or suspends it is still possible.
pub const HISTORY_FULL: &str = "history-full";
/// The authorization is revoked, withdrawn or annulled, for ever.
pub const TERMINAL_STATUS: &str = "terminal-status";
/// The authorization has expired: only annulment is left.
pub const EXPIRED: &str = "authorization-expired";
/// The authorization is suspended already.
pub const ALREADY_SUSPENDED: &str = "already-suspended";
/// Only a suspended authorization can be reinstated.
pub const NOT_SUSPENDED: &str = "not-suspended";
/// The new terms are those it has.
pub const NOTHING_TO_AMEND: &str = "nothing-to-amend";
/// A change would take effect before the authorization's first day.
pub const EFFECTIVE_BEFORE_GRANT: &str = "effective-before-grant";
/// A change would take effect too far from now.
pub const EFFECTIVE_TIME_OUT_OF_RANGE: &str = "effective-time-out-of-range";
/// A revocation or annulment of this authorization waits for a second person already.
pub const PENDING_EXISTS: &str = "pending-exists";
/// No such proposal waits for a second person.
pub const UNKNOWN_PROPOSAL: &str = "unknown-proposal";
/// The proposal waited too long: propose it again.
pub const PENDING_EXPIRED: &str = "pending-expired";
/// Who proposed it cannot approve it.
pub const SAME_PERSON: &str = "same-person";
/// An alias cannot mean itself.
pub const ALIAS_OF_ITSELF: &str = "alias-of-itself";
/// The declaration is in force already.
pub const ALIAS_EXISTS: &str = "alias-exists";
/// The member has no such declaration in force.
pub const UNKNOWN_ALIAS: &str = "unknown-alias";
/// The member declared as much about this operator or this alias as it may.
pub const TOO_MANY_ALIASES: &str = "too-many-aliases";
/// Only a member that authorized the operator may declare this.
pub const NOT_YOUR_OPERATOR: &str = "not-your-operator";
/// There is an arrangement of this id.
pub const MRA_EXISTS: &str = "mra-exists";
/// There is no arrangement of this id.
pub const UNKNOWN_MRA: &str = "unknown-mra";
/// The author's member is no party of the arrangement.
pub const NOT_A_PARTY: &str = "not-a-party";
/// The member accepted the arrangement already.
pub const ALREADY_ACCEPTED: &str = "already-accepted";
/// The member has not accepted the arrangement.
pub const NOT_ACCEPTED: &str = "not-accepted";
/// The member left the arrangement already.
pub const ALREADY_LEFT: &str = "already-left";
