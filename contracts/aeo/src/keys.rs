//! Where things are kept.

use precinto_contract::Key;
use precinto_protocol::{
    aeo::{
        ALIAS, ALIAS_OF, AUTHORIZATION, Authorization, HISTORY, MRA, NUMBER, PENDING, TIME_LINE,
    },
    hash::Hash,
};

/// Prefix of every authorization.
pub(crate) fn authorizations() -> Key {
    Key::new(AUTHORIZATION)
}

/// Prefix of the authorizations of one operator.
pub(crate) fn of_operator(operator: &Hash) -> Key {
    authorizations().with(operator.as_bytes())
}

/// One authorization.
pub(crate) fn authorization(operator: &Hash, member: &str, number: &str) -> Key {
    of_operator(operator).with(member).with(number)
}

/// The keys of one authorization.
pub(crate) struct Keys {
    /// The authorization as last recorded.
    pub(crate) authorization: Key,
    /// Its record log.
    pub(crate) history: Key,
    /// Its time line.
    pub(crate) time_line: Key,
    /// The action that waits for a second person.
    pub(crate) pending: Key,
}

impl Keys {
    pub(crate) fn of(authorization: &Authorization) -> Keys {
        let Authorization { operator, member, number, .. } = authorization;
        let under = |first: &[u8]| Key::new(first).with(operator.as_bytes()).with(member);
        Keys {
            authorization: under(AUTHORIZATION).with(number),
            history: under(HISTORY).with(number),
            time_line: under(TIME_LINE).with(number),
            pending: pending(member, operator, number),
        }
    }
}

/// The record log of one authorization.
pub(crate) fn history(operator: &Hash, member: &str, number: &str) -> Key {
    Key::new(HISTORY).with(operator.as_bytes()).with(member).with(number)
}

/// Prefix of the numbers a member has used.
pub(crate) fn numbers(member: &str) -> Key {
    Key::new(NUMBER).with(member)
}

/// The number of an authorization.
pub(crate) fn number(member: &str, number: &str) -> Key {
    numbers(member).with(number)
}

/// Prefix of what waits for a second person of a member.
pub(crate) fn pending_of(member: &str) -> Key {
    Key::new(PENDING).with(member)
}

/// What waits for a second person about one authorization.
pub(crate) fn pending(member: &str, operator: &Hash, number: &str) -> Key {
    pending_of(member).with(operator.as_bytes()).with(number)
}

/// Prefix of the meanings of one identifier.
pub(crate) fn meanings(alias: &Hash) -> Key {
    Key::new(ALIAS).with(alias.as_bytes())
}

/// A declaration.
pub(crate) fn alias(alias: &Hash, member: &str, operator: &Hash) -> Key {
    meanings(alias).with(member).with(operator.as_bytes())
}

/// Prefix of the index of what was declared about one operator.
pub(crate) fn aliases_of(operator: &Hash) -> Key {
    Key::new(ALIAS_OF).with(operator.as_bytes())
}

/// A declaration in the index by operator.
pub(crate) fn alias_of(operator: &Hash, member: &str, alias: &Hash) -> Key {
    aliases_of(operator).with(member).with(alias.as_bytes())
}

/// Prefix of every arrangement.
pub(crate) fn mras() -> Key {
    Key::new(MRA)
}

/// An arrangement.
pub(crate) fn mra(id: &str) -> Key {
    mras().with(id)
}
