//! Where things are kept.

use precinto_contract::Key;
use precinto_protocol::{
    aeo::{AUTHORIZATION, Authorization, HISTORY},
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

/// The record log of one authorization.
pub(crate) fn history(operator: &Hash, member: &str, number: &str) -> Key {
    Key::new(HISTORY).with(operator.as_bytes()).with(member).with(number)
}

/// The keys under which an authorization and its history are kept.
pub(crate) fn of(authorization: &Authorization) -> (Key, Key) {
    let Authorization { operator, member, number, .. } = authorization;
    (self::authorization(operator, member, number), history(operator, member, number))
}
