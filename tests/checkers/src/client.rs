//! What clients were told, against what the ledger has in the end.

use std::collections::BTreeMap;

use precinto_protocol::{identity::NodeId, transaction::TransactionId};

use crate::{Verdict, Violation, ensure};

const CHECKER: &str = "client";

/// A status as a client was told it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// The node has never seen it.
    Unknown,
    /// Accepted, not yet final.
    Pending,
    /// Executed: with what outcome, and where.
    Executed(Execution),
    /// Its time passed without it being executed.
    Expired,
}

impl Told {
    fn is_final(&self) -> bool {
        matches!(self, Told::Executed(_) | Told::Expired)
    }
}

/// That a transaction was executed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Execution {
    /// Height of the block.
    pub height: u64,
    /// Index of the item in the block, where the client was told it.
    pub index: Option<u32>,
    /// `None` if it was committed, else the code of its rejection.
    pub rejected: Option<String>,
}

impl Execution {
    /// Whether the two do not contradict each other.
    fn agrees(&self, other: &Execution) -> bool {
        let same_index = self.index.zip(other.index).is_none_or(|(a, b)| a == b);
        self.height == other.height && self.rejected == other.rejected && same_index
    }
}

/// Everything that clients were told, by any node.
#[derive(Default)]
pub struct ClientChecker {
    /// The first final status of a transaction, and which node told it.
    finals: BTreeMap<TransactionId, (NodeId, Told)>,
    /// Since its last start, a node has told a final status of these.
    told_by: BTreeMap<NodeId, BTreeMap<TransactionId, Told>>,
    /// The height of a node's last local answer since its last start.
    heights: BTreeMap<NodeId, u64>,
}

impl ClientChecker {
    /// Before anything was asked.
    pub fn new() -> ClientChecker {
        ClientChecker::default()
    }

    /// A client was told a status by a node.
    ///
    /// # Errors
    /// It contradicts a final status that any node told before, or takes back one of this node since
    /// it started. (Another node, or one that starts again, may be some blocks behind.)
    pub fn status(&mut self, node: NodeId, id: TransactionId, told: &Told) -> Verdict {
        let told_by = self.told_by.entry(node).or_default();
        if !told.is_final() {
            let before = told_by.get(&id);
            return ensure(before.is_none(), CHECKER, || {
                format!("node {node} told {id} to be {told:?} after {before:?}")
            });
        }
        told_by.insert(id, told.clone());
        let (other, known) = self.finals.entry(id).or_insert_with(|| (node, told.clone()));
        let agrees = match (&*known, told) {
            (Told::Executed(a), Told::Executed(b)) => a.agrees(b),
            (a, b) => a == b,
        };
        ensure(agrees, CHECKER, || {
            format!("{id}: node {other} told {known:?}, node {node} tells {told:?}")
        })
    }

    /// A node answered from its own state, which stood at this height.
    ///
    /// # Errors
    /// It stood higher at an earlier answer since its start.
    pub fn local_read(&mut self, node: NodeId, height: u64) -> Verdict {
        let before = self.heights.insert(node, height).unwrap_or_default();
        ensure(before <= height, CHECKER, || {
            format!("node {node} answers from height {height} after {before}")
        })
    }

    /// A node starts again: what it executed, but had not synced, it must execute again, and until
    /// then it may tell less than before. It may never tell otherwise.
    pub fn restarted(&mut self, node: NodeId) {
        self.told_by.remove(&node);
        self.heights.remove(&node);
    }

    /// A snapshot took the place of a node's ledger: it holds no outcomes of before any more, and may
    /// say that it knows nothing of them. Its answers still never go back.
    pub fn installed(&mut self, node: NodeId) {
        self.told_by.remove(&node);
    }

    /// The transactions that the ledger executed, in order. Nothing else was.
    ///
    /// # Errors
    /// One was executed twice; one that a client was told to be executed is missing or came out
    /// otherwise; one that a client was told to be expired was executed.
    pub fn ledger(
        &self,
        executed: impl IntoIterator<Item = (TransactionId, Execution)>,
    ) -> Verdict {
        let mut ledger: BTreeMap<TransactionId, Execution> = BTreeMap::new();
        for (id, execution) in executed {
            if let Some(before) = ledger.insert(id, execution.clone()) {
                let what = format!("{id} was executed twice: {before:?}, {execution:?}");
                return Err(Violation::new(CHECKER, what));
            }
        }
        self.finals.iter().try_for_each(|(id, (node, told))| {
            let executed = ledger.get(id);
            let kept = match told {
                Told::Executed(told) => executed.is_some_and(|execution| execution.agrees(told)),
                _ => executed.is_none(),
            };
            ensure(kept, CHECKER, || {
                format!("node {node} told {id} to be {told:?}, in the ledger it is {executed:?}")
            })
        })
    }

    /// Number of transactions that a client was told a final status of.
    pub fn acknowledged(&self) -> usize {
        self.finals.len()
    }
}

#[cfg(test)]
mod tests {
    use precinto_protocol::hash::Hash;

    use super::*;

    const ID: TransactionId = TransactionId(Hash([7; 32]));

    fn at(height: u64) -> Execution {
        Execution { height, index: Some(0), rejected: None }
    }

    fn rejected(height: u64) -> Execution {
        Execution { rejected: Some("on-purpose".to_owned()), ..at(height) }
    }

    fn told(statuses: &[(NodeId, Told)]) -> Result<ClientChecker, Violation> {
        let mut checker = ClientChecker::new();
        statuses.iter().try_for_each(|(node, told)| checker.status(*node, ID, told))?;
        Ok(checker)
    }

    #[test]
    fn statuses_may_rise_and_another_node_may_be_behind() {
        let history = [
            (1, Told::Unknown),
            (1, Told::Pending),
            (1, Told::Unknown),
            (1, Told::Executed(at(3))),
            (2, Told::Pending),
            (2, Told::Executed(Execution { index: None, ..at(3) })),
        ];
        let mut checker = told(&history).expect("a good history");
        checker.restarted(1);
        checker.status(1, ID, &Told::Unknown).expect("it has to catch up");
        assert_eq!(checker.ledger([(ID, at(3))]), Ok(()));
        assert_eq!(checker.acknowledged(), 1);
    }

    #[test]
    fn a_contradiction_is_found_across_nodes_and_restarts() {
        let finals = [
            Told::Executed(at(3)),
            Told::Executed(at(4)),
            Told::Executed(rejected(3)),
            Told::Expired,
        ];
        for (a, first) in finals.iter().enumerate() {
            for (b, second) in finals.iter().enumerate() {
                let history = [(1, first.clone()), (2, second.clone())];
                assert_eq!(told(&history).is_ok(), a == b, "{history:?}");
                let mut checker = told(&history[..1]).expect("the first");
                checker.restarted(1);
                assert_eq!(checker.status(1, ID, second).is_ok(), a == b, "{history:?}");
            }
        }
    }

    #[test]
    fn a_node_that_takes_a_status_back_is_found() {
        for less in [Told::Unknown, Told::Pending] {
            assert!(told(&[(1, Told::Executed(at(3))), (1, less.clone())]).is_err());
            assert!(told(&[(1, Told::Expired), (1, less)]).is_err());
        }
    }

    #[test]
    fn after_a_snapshot_a_node_may_know_less_but_not_otherwise_nor_of_earlier() {
        let mut checker = told(&[(1, Told::Executed(at(3)))]).expect("one status");
        checker.local_read(1, 5).expect("the first answer");
        checker.installed(1);
        checker.status(1, ID, &Told::Unknown).expect("it does not hold the outcome");
        assert!(checker.status(1, ID, &Told::Expired).is_err());
        assert!(checker.local_read(1, 4).is_err());
    }

    #[test]
    fn what_was_acknowledged_must_be_in_the_ledger_as_told() {
        let checker = told(&[(1, Told::Executed(at(3)))]).expect("one status");
        assert!(checker.ledger([]).is_err(), "lost");
        assert!(checker.ledger([(ID, at(4))]).is_err(), "elsewhere");
        assert!(checker.ledger([(ID, rejected(3))]).is_err(), "otherwise");
        assert!(checker.ledger([(ID, at(3)), (ID, at(5))]).is_err(), "twice");
        let expired = told(&[(1, Told::Expired)]).expect("one status");
        assert_eq!(expired.ledger([]), Ok(()));
        assert!(expired.ledger([(ID, at(3))]).is_err(), "executed though expired");
    }

    #[test]
    fn a_local_answer_never_goes_back() {
        let mut checker = ClientChecker::new();
        for height in [3, 3, 5] {
            checker.local_read(1, height).expect("forward");
        }
        checker.local_read(2, 1).expect("another node");
        assert!(checker.local_read(1, 4).is_err());
        checker.restarted(1);
        assert_eq!(checker.local_read(1, 2), Ok(()));
    }
}
