//! Sessions: who is logged in. Kept in memory alone, so a restart of the node ends them all.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use precinto_protocol::hash::Hash;

use super::account::{new_token, token_digest};

/// Sessions of one account: a few machines of one person. A further login ends the one that was
/// used least recently.
const MAX_PER_ACCOUNT: usize = 8;

/// Sessions in all, some hundred bytes each. A further login ends the one that was used least
/// recently.
const MAX_SESSIONS: usize = 10_000;

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without a request.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
}

impl Default for SessionLimits {
    /// Half an hour and a working day with its overtime.
    fn default() -> SessionLimits {
        SessionLimits {
            idle: Duration::from_secs(30 * 60),
            absolute: Duration::from_secs(12 * 3600),
        }
    }
}

struct Session {
    account: String,
    began: Instant,
    used: Instant,
}

/// See the module. Keyed by the tokens' digests: the tokens are not kept.
pub(super) struct Sessions {
    limits: SessionLimits,
    sessions: BTreeMap<Hash, Session>,
}

impl Sessions {
    pub(super) fn new(limits: SessionLimits) -> Sessions {
        Sessions { limits, sessions: BTreeMap::new() }
    }

    /// Begins a session; its token, and how long it lives at most.
    pub(super) fn begin(&mut self, account: &str, now: Instant) -> (String, Duration) {
        let limits = self.limits;
        self.sessions.retain(|_, session| session.rest(limits, now).is_some());
        let of_account = |session: &Session| session.account == account;
        if self.sessions.values().filter(|session| of_account(session)).count() >= MAX_PER_ACCOUNT {
            self.end_least_used(of_account);
        } else if self.sessions.len() >= MAX_SESSIONS {
            self.end_least_used(|_| true);
        }
        let token = new_token();
        let session = Session { account: account.to_owned(), began: now, used: now };
        self.sessions.insert(token_digest(&token), session);
        (token, limits.absolute)
    }

    fn end_least_used(&mut self, which: impl Fn(&Session) -> bool) {
        let candidates = self.sessions.iter().filter(|(_, session)| which(session));
        let least = candidates.min_by_key(|(_, session)| session.used).map(|(digest, _)| *digest);
        if let Some(digest) = least {
            self.sessions.remove(&digest);
        }
    }

    /// The account of a session that is in force, and how long it lives at most from now on. Counts
    /// as use.
    pub(super) fn touch(&mut self, digest: &Hash, now: Instant) -> Option<(String, Duration)> {
        let session = self.sessions.get_mut(digest)?;
        let Some(rest) = session.rest(self.limits, now) else {
            self.sessions.remove(digest);
            return None;
        };
        session.used = now;
        Some((session.account.clone(), rest))
    }

    /// Ends one session.
    pub(super) fn end(&mut self, digest: &Hash) {
        self.sessions.remove(digest);
    }

    /// Ends the sessions of an account but `kept`.
    pub(super) fn end_others(&mut self, account: &str, kept: Option<&Hash>) {
        self.sessions.retain(|digest, session| session.account != account || Some(digest) == kept);
    }
}

impl Session {
    /// How long it lives at most; `None` if it is over.
    fn rest(&self, limits: SessionLimits, now: Instant) -> Option<Duration> {
        let idle = now.saturating_duration_since(self.used);
        let rest = limits.absolute.checked_sub(now.saturating_duration_since(self.began))?;
        (idle < limits.idle && !rest.is_zero()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn sessions() -> (Sessions, Instant) {
        (Sessions::new(SessionLimits::default()), Instant::now())
    }

    #[test]
    fn a_session_ends_half_an_hour_after_its_last_use_and_after_twelve_hours_anyway() {
        let (mut sessions, start) = sessions();
        let (token, _) = sessions.begin("ana", start);
        let digest = token_digest(&token);
        let mut now = start;
        for _ in 0..24 {
            now += 29 * MINUTE;
            assert_eq!(sessions.touch(&digest, now).unwrap().0, "ana");
        }
        assert!(sessions.touch(&digest, now + 30 * MINUTE).is_none(), "idle");
        assert!(sessions.touch(&digest, now).is_none(), "what ended does not come back");
        let (token, _) = sessions.begin("ana", start);
        let digest = token_digest(&token);
        for minute in (0..720).step_by(20) {
            assert!(sessions.touch(&digest, start + minute * MINUTE).is_some());
        }
        assert!(sessions.touch(&digest, start + 720 * MINUTE).is_none(), "absolute");
    }

    #[test]
    fn a_further_login_ends_the_least_used_session_of_the_same_account_alone() {
        let (mut sessions, start) = sessions();
        let (others, _) = sessions.begin("beto", start);
        let tokens: Vec<_> = (0..MAX_PER_ACCOUNT)
            .map(|n| sessions.begin("ana", start + n as u32 * MINUTE / 60).0)
            .collect();
        let now = start + MINUTE;
        assert!(sessions.touch(&token_digest(&tokens[0]), now).is_some());
        sessions.begin("ana", now);
        assert!(sessions.touch(&token_digest(&tokens[0]), now).is_some());
        assert!(sessions.touch(&token_digest(&tokens[1]), now).is_none());
        assert!(sessions.touch(&token_digest(&others), now).is_some());
    }

    #[test]
    fn ending_the_others_keeps_ones_own() {
        let (mut sessions, now) = sessions();
        let (mine, _) = sessions.begin("ana", now);
        let (other, _) = sessions.begin("ana", now);
        sessions.end_others("ana", Some(&token_digest(&mine)));
        assert!(sessions.touch(&token_digest(&mine), now).is_some());
        assert!(sessions.touch(&token_digest(&other), now).is_none());
    }
}
