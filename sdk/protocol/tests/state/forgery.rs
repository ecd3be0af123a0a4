//! What a liar may do to a proof.

use precinto_protocol::state::{EntryKind, PrefixProof, StateKey, StateLeaf, StateProof, Step};
use proptest::{prelude::*, sample::Index};

use crate::{Model, keys};

/// What a liar may do to a proof.
#[derive(Debug, Clone)]
pub(crate) enum Forgery {
    Bit(Index, u16),
    Count(Index, u64),
    Sibling(Index),
    DropStep(Index),
    RepeatStep(Index),
    SwapSteps(Index, Index),
    /// Show another entry of the tree, or leave one out of a list.
    OtherLeaf(Index),
    Digest(Index),
    Kind(Index),
    /// Add an entry to a list.
    Extra(StateKey),
    ClaimEmpty,
}

pub(crate) fn forgeries() -> impl Strategy<Value = Forgery> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 0_u16..1100).prop_map(|(at, bit)| Forgery::Bit(at, bit)),
        (at(), 0_u64..50).prop_map(|(at, count)| Forgery::Count(at, count)),
        at().prop_map(Forgery::Sibling),
        at().prop_map(Forgery::DropStep),
        at().prop_map(Forgery::RepeatStep),
        (at(), at()).prop_map(|(a, b)| Forgery::SwapSteps(a, b)),
        at().prop_map(Forgery::OtherLeaf),
        at().prop_map(Forgery::Digest),
        at().prop_map(Forgery::Kind),
        keys().prop_map(Forgery::Extra),
        Just(Forgery::ClaimEmpty),
    ]
}

impl Forgery {
    /// A path with the forgery, or the honest one where it does not apply.
    pub(crate) fn of_path(&self, honest: &StateProof, model: &Model) -> StateProof {
        let StateProof::Path(path) = honest else {
            return honest.clone();
        };
        let mut path = path.clone();
        self.of_steps(&mut path.steps);
        match self {
            Forgery::OtherLeaf(at) => {
                let (key, entry) = model.iter().nth(at.index(model.len())).unwrap();
                path.leaf = StateLeaf { key: key.clone(), entry: *entry };
            }
            Forgery::Extra(key) => path.leaf.key = key.clone(),
            Forgery::ClaimEmpty => return StateProof::Empty,
            _ => self.of_leaf(&mut path.leaf),
        }
        StateProof::Path(path)
    }

    /// A proof of a prefix with the forgery, or the honest one where it does not apply.
    pub(crate) fn of_listing(&self, honest: &PrefixProof, model: &Model) -> PrefixProof {
        let (mut leaves, mut steps) = match honest.clone() {
            PrefixProof::Nothing(proof) => {
                return PrefixProof::Nothing(self.of_path(&proof, model));
            }
            PrefixProof::All { leaves, steps } => (leaves, steps),
        };
        self.of_steps(&mut steps);
        match self {
            Forgery::OtherLeaf(at) => drop(leaves.remove(at.index(leaves.len()))),
            Forgery::Extra(key) => {
                let entry = leaves[0].entry;
                leaves.push(StateLeaf { key: key.clone(), entry });
                leaves.sort_by(|a, b| a.key.cmp(&b.key));
            }
            Forgery::ClaimEmpty => return PrefixProof::Nothing(StateProof::Empty),
            Forgery::Digest(at) | Forgery::Kind(at) => {
                let at = at.index(leaves.len());
                self.of_leaf(&mut leaves[at]);
            }
            _ => {}
        }
        PrefixProof::All { leaves, steps }
    }

    fn of_leaf(&self, leaf: &mut StateLeaf) {
        match self {
            Forgery::Digest(_) => leaf.entry.digest.0[0] ^= 1,
            Forgery::Kind(_) => {
                leaf.entry.kind = match leaf.entry.kind {
                    EntryKind::Plain => EntryKind::RecordLog,
                    EntryKind::RecordLog => EntryKind::Plain,
                };
            }
            _ => {}
        }
    }

    fn of_steps(&self, steps: &mut Vec<Step>) {
        if steps.is_empty() {
            return;
        }
        let at = |index: &Index| index.index(steps.len());
        match self {
            Forgery::Bit(index, bit) => {
                let at = at(index);
                steps[at].bit = *bit;
            }
            Forgery::Count(index, count) => {
                let at = at(index);
                steps[at].count = *count;
            }
            Forgery::Sibling(index) => {
                let at = at(index);
                steps[at].sibling.0[31] ^= 0x80;
            }
            Forgery::DropStep(index) => {
                let at = at(index);
                steps.remove(at);
            }
            Forgery::RepeatStep(index) => {
                let at = at(index);
                steps.insert(at, steps[at].clone());
            }
            Forgery::SwapSteps(a, b) => {
                let (a, b) = (at(a), at(b));
                steps.swap(a, b);
            }
            _ => {}
        }
    }
}
