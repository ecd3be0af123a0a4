//! What happened, as one number and, if somebody wants to read it, as lines.

use std::io::Write;

use precinto_protocol::identity::NodeId;

/// Everything delivered and put out goes through here: two runs with the same hash did the same.
pub(crate) struct Trace {
    hash: u64,
    lines: Option<Box<dyn Write>>,
}

/// FNV-1a, 64 bits: not against anybody, only against chance.
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

impl Trace {
    /// Nothing happened yet. Lines go to `lines`, if given.
    pub(crate) fn new(lines: Option<Box<dyn Write>>) -> Trace {
        Trace { hash: OFFSET, lines }
    }

    /// At `now`, microseconds, something named `what` happened at `node` (0: nowhere), of which
    /// `number` and `bytes` say more.
    pub(crate) fn event(&mut self, now: u64, node: NodeId, what: &str, number: u64, bytes: &[u8]) {
        for value in [now, node, number, bytes.len() as u64] {
            self.mix(&value.to_be_bytes());
        }
        self.mix(what.as_bytes());
        self.mix(bytes);
        if let Some(lines) = &mut self.lines {
            let (seconds, micros) = (now / 1_000_000, now % 1_000_000);
            // Who reads has gone away: fine.
            let _ = writeln!(
                lines,
                "{seconds:3}.{micros:06} n{node} {what} {number} ({} B)",
                bytes.len()
            );
        }
    }

    /// A line for who reads, which is not part of the hash.
    pub(crate) fn remark(&mut self, now: u64, text: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            let (seconds, micros) = (now / 1_000_000, now % 1_000_000);
            // As above.
            let _ = writeln!(lines, "{seconds:3}.{micros:06} -- {}", text());
        }
    }

    fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }

    /// The hash of everything so far.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}
