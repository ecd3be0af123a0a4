//! Remembers who was turned away, so that each is logged once.

use std::collections::BTreeSet;

use libp2p::PeerId;

/// Strangers remembered. Whoever makes up more identities is counted, no longer logged.
const MAX_REMEMBERED: usize = 1024;

/// The strangers seen so far.
#[derive(Default)]
pub(crate) struct Strangers(BTreeSet<PeerId>);

impl Strangers {
    /// Whether to log this one: it is new, and there is room to remember it.
    pub(crate) fn is_news(&mut self, id: PeerId) -> bool {
        self.0.len() < MAX_REMEMBERED && self.0.insert(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_news_once_and_the_memory_is_bounded() {
        let mut strangers = Strangers::default();
        let first = PeerId::random();
        assert!(strangers.is_news(first));
        assert!(!strangers.is_news(first));
        let news = (0..2 * MAX_REMEMBERED).filter(|_| strangers.is_news(PeerId::random())).count();
        assert_eq!(news, MAX_REMEMBERED - 1);
    }
}
