//! One line of the audit trail, and the chain that lines make.

use std::{
    collections::BTreeSet,
    io::{BufRead, Read},
};

use precinto_protocol::{
    hash::{Hash, tagged},
    identity::Role,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::accounts::role_names;

/// Longest line, in bytes: what is asked is clipped far below it.
pub(super) const MAX_LINE_BYTES: usize = 16 * 1024;

/// What begins the last member of every line, which holds the hash of all before it.
const HASH_MEMBER: &str = ",\"hash\":\"";
/// Bytes of that member with a hash and what ends the line.
const HASH_MEMBER_BYTES: usize = HASH_MEMBER.len() + 64 + "\"}".len();

/// What kind of act a line tells of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Somebody read records.
    Read,
    /// Somebody logged in or out, or changed accounts.
    Account,
}

/// Who did what: what a handler knows of a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Act {
    /// When, by the node's clock, milliseconds since 1970.
    pub time_ms: u64,
    /// Id of the request, as in its answer's header `x-request-id`.
    pub request: String,
    /// What kind of act.
    pub kind: Kind,
    /// The account.
    pub account: String,
    /// The roles it was used with.
    #[serde(with = "role_names")]
    #[schema(value_type = Vec<String>)]
    pub roles: BTreeSet<Role>,
    /// Method and path template.
    #[schema(example = "GET /v1/aeo/operators/{scheme}/{identifier}")]
    pub route: String,
    /// What was asked; operators by lookup tag, never by identifier.
    #[schema(value_type = Object)]
    pub asked: Value,
    /// Height of the state that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    /// How many records the answer has; absent where they are not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<u64>,
}

/// A line of the trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Number of the line, from 1, over all files.
    pub seq: u64,
    /// Who did what.
    #[serde(flatten)]
    pub act: Act,
    /// `hash` of the line before; zeros on the first.
    pub previous: String,
    /// SHA-256(tag "precinto/audit-line", the line's bytes before `,"hash"`).
    pub hash: String,
}

/// The end of the chain: where the next line goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the last line; 0 if there is none.
    pub seq: u64,
    /// Its hash; zeros if there is none.
    pub hash: Hash,
}

impl Head {
    /// Before the first line.
    pub const EMPTY: Head = Head { seq: 0, hash: Hash::ZERO };

    /// The next line, with its line feed; this becomes the head after it.
    pub(super) fn append(&mut self, act: &Act) -> Vec<u8> {
        #[derive(Serialize)]
        struct Unhashed<'a> {
            seq: u64,
            #[serde(flatten)]
            act: &'a Act,
            previous: String,
        }
        let seq = self.seq + 1;
        let line = Unhashed { seq, act, previous: self.hash.to_hex() };
        let mut line = serde_json::to_string(&line).expect("plain fields have JSON");
        line.pop();
        let hash = line_hash(line.as_bytes());
        line.push_str(HASH_MEMBER);
        line.push_str(&hash.to_hex());
        line.push_str("\"}\n");
        *self = Head { seq, hash };
        line.into_bytes()
    }

    /// Checks the line that follows this head (without its line feed) and goes on to it.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub(super) fn follow(&mut self, line: &[u8]) -> Result<Entry, &'static str> {
        let entry: Entry = serde_json::from_slice(line).map_err(|_| "not a line of the trail")?;
        let hashed = line.len().checked_sub(HASH_MEMBER_BYTES).map(|end| &line[..end]);
        let hash = hashed.map(line_hash).filter(|hash| hash.to_hex() == entry.hash);
        let hash = hash.ok_or("the line was changed: its hash is another")?;
        if entry.seq != self.seq + 1 {
            return Err("lines are missing before it, or repeated");
        }
        if entry.previous != self.hash.to_hex() {
            return Err("the line before it was changed");
        }
        *self = Head { seq: entry.seq, hash };
        Ok(entry)
    }

    /// The head after a line that is taken as it is.
    pub(super) fn after(line: &[u8]) -> Result<Head, &'static str> {
        let entry: Entry = serde_json::from_slice(line).map_err(|_| "not a line of the trail")?;
        let previous = entry.previous.parse().map_err(|_| "not a line of the trail")?;
        let seq = entry.seq.checked_sub(1).ok_or("lines are numbered from 1")?;
        let mut head = Head { seq, hash: previous };
        head.follow(line)?;
        Ok(head)
    }
}

fn line_hash(bytes: &[u8]) -> Hash {
    tagged("precinto/audit-line", &[bytes])
}

/// A trail is not whole.
#[derive(Debug, thiserror::Error)]
pub enum BrokenTrail {
    /// A line is not what it must be.
    #[error("line {line}: {reason}")]
    Line {
        /// Number of the line in the file, from 1.
        line: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] std::io::Error),
}

/// Checks the lines of one file after `head`, which stands after them if they are whole. A file
/// whose first line is not number 1 may be checked alone: then what it says of the line before is
/// taken as it is.
///
/// # Errors
/// The first line that is not what it must be.
pub fn verify(mut file: impl BufRead, head: &mut Option<Head>) -> Result<u64, BrokenTrail> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        file.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line)?;
        let broken = |reason| BrokenTrail::Line { line: number, reason };
        match line.pop() {
            None => return Ok(number - 1),
            Some(b'\n') => {}
            Some(_) => return Err(broken("it has no end")),
        }
        match head {
            Some(head) => drop(head.follow(&line).map_err(broken)?),
            None => *head = Some(Head::after(&line).map_err(broken)?),
        }
    }
    unreachable!("no file has 2^64 lines")
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in crate::audit) fn act(account: &str, time_ms: u64) -> Act {
        Act {
            time_ms,
            request: "r".into(),
            kind: Kind::Read,
            account: account.into(),
            roles: BTreeSet::from([Role::Officer]),
            route: "GET /v1/x".into(),
            asked: json!({ "operator": "ab", "text": "a\"b,\"hash\":\"c" }),
            height: Some(7),
            results: None,
        }
    }

    fn trail(lines: u64) -> Vec<Vec<u8>> {
        let mut head = Head::EMPTY;
        (0..lines).map(|n| head.append(&act("ana", n))).collect()
    }

    fn check(lines: &[Vec<u8>]) -> Result<u64, BrokenTrail> {
        verify(&lines.concat()[..], &mut None)
    }

    #[test]
    fn lines_are_read_back_as_they_were_written() {
        let mut head = Head::EMPTY;
        let line = head.append(&act("ana", 5));
        let mut again = Head::EMPTY;
        let entry = again.follow(&line[..line.len() - 1]).unwrap();
        assert_eq!((entry.seq, entry.act, again), (1, act("ana", 5), head));
    }

    #[test]
    fn every_change_of_a_trail_is_found_and_the_line_named() {
        let whole = trail(5);
        assert_eq!(check(&whole).unwrap(), 5);
        assert_eq!(check(&whole[2..]).unwrap(), 3, "a later file alone");
        let refused = |lines: &[Vec<u8>], at: u64| match check(lines) {
            Err(BrokenTrail::Line { line, .. }) => assert_eq!(line, at),
            other => panic!("{other:?}"),
        };
        let mut changed = whole.clone();
        let at = changed[2].windows(3).position(|w| w == b"ana").unwrap();
        changed[2][at] = b'e';
        refused(&changed, 3);
        let mut removed = whole.clone();
        removed.remove(1);
        refused(&removed, 2);
        let mut swapped = whole.clone();
        swapped.swap(3, 4);
        refused(&swapped, 4);
        let mut torn = whole.clone();
        torn[4].pop();
        refused(&torn, 5);
        // A forger who makes hashes anew must do so to the end.
        let mut forged = whole;
        forged[1] = trail(1)[0].clone();
        refused(&forged, 2);
    }
}
