//! Passwords: what is accepted, and how it is stored.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use super::{AccountError, account::random_bytes};

/// Memory of one hash, KiB: the first of the settings that the OWASP Password Storage Cheat Sheet
/// recommends for Argon2id (m=19 MiB, t=2, p=1).
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// Hashes computed at once: 38 MiB and two cores at most, so that logins exhaust neither.
const HASHES_AT_ONCE: usize = 2;

/// Hashes computed or waited for; further logins are refused with `overloaded`. At some 30 ms each
/// the last one waits for less than a second.
const HASHES_WAITING: usize = 32;

/// Shortest password, in characters (NIST SP 800-63B asks for 8, and for 15 without a second
/// factor; attempts are throttled here).
pub(super) const MIN_PASSWORD_CHARS: usize = 12;

/// Longest password, in bytes: any sentence, but no megabytes to hash.
pub(super) const MAX_PASSWORD_BYTES: usize = 128;

/// The commonest passwords that are long enough (from published lists), in lower case.
#[rustfmt::skip]
const COMMONEST: &[&str] = &[
    "123456789012", "1234567890123", "12345678901234", "123456789123", "1234567891011",
    "987654321987", "112233445566", "123123123123", "121212121212", "qwertyuiop12",
    "qwertyuiop123", "1q2w3e4r5t6y", "1qaz2wsx3edc", "qazwsxedcrfv", "zaq12wsxcde3",
    "asdfghjkl123", "abcdefghijkl", "abcdefgh1234", "password1234", "password12345",
    "passwordpassword", "password123!", "passw0rd1234", "p@ssw0rd1234", "contrasena123",
    "contraseña12", "contraseña123", "administrator", "administrador", "administrator1",
    "admin1234567", "adminadmin12", "adminadminadmin", "letmein12345", "welcome12345",
    "welcome123456", "changeme1234", "iloveyou1234", "superman1234", "football1234",
    "futbol123456", "brasil123456", "uruguay12345", "argentina123", "customs12345",
    "aduana123456", "aduanas12345", "trustno1trustno1", "q1w2e3r4t5y6", "1234qwerasdf",
];

/// Whether `password` may be the one of the account `name`.
///
/// # Errors
/// The rule it breaks.
pub(super) fn check(name: &str, password: &str) -> Result<(), AccountError> {
    let weak = |rule: String| Err(AccountError::WeakPassword(rule));
    let characters = password.chars().count();
    if characters < MIN_PASSWORD_CHARS || password.len() > MAX_PASSWORD_BYTES {
        return weak(format!(
            "a password has at least {MIN_PASSWORD_CHARS} characters and at most {MAX_PASSWORD_BYTES} bytes"
        ));
    }
    let folded = Zeroizing::new(password.to_lowercase());
    if folded.contains(&name.to_lowercase()) {
        return weak("a password must not contain the account's name".into());
    }
    let mut different: Vec<char> = folded.chars().collect();
    different.sort_unstable();
    different.dedup();
    if COMMONEST.contains(&folded.as_str()) || different.len() < 4 {
        return weak("this is one of the first passwords that anybody tries".into());
    }
    Ok(())
}

/// Hashes and checks passwords, a bounded number at once, on threads that may block.
pub(super) struct Hasher {
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Checked for names that nobody has, so that they take as long as others.
    decoy: String,
}

impl Hasher {
    pub(super) fn new() -> Hasher {
        Hasher {
            at_once: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            waiting: Arc::new(Semaphore::new(HASHES_WAITING)),
            decoy: hash(&hex::encode(random_bytes::<16>())),
        }
    }

    /// A place in the queue.
    ///
    /// # Errors
    /// `Busy` if there is none.
    pub(super) fn place(&self) -> Result<Place<'_>, AccountError> {
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| AccountError::Busy)?;
        Ok(Place { hasher: self, waiting })
    }
}

/// A place in the queue for one hash.
pub(super) struct Place<'a> {
    hasher: &'a Hasher,
    waiting: OwnedSemaphorePermit,
}

impl Place<'_> {
    /// A new hash of `password`, as a PHC string.
    pub(super) async fn hash(self, password: Zeroizing<String>) -> String {
        self.run(move || hash(&password)).await
    }

    /// Whether `password` is the one that was hashed. Takes as long if there is none.
    pub(super) async fn matches(self, password: Zeroizing<String>, stored: Option<String>) -> bool {
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.hasher.decoy.clone());
        self.run(move || verify(&password, &stored) && exists).await
    }

    async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let turn = self.hasher.at_once.clone().acquire_owned().await;
        let turn = turn.expect("the semaphore is never closed");
        // The permits go along: a request that is given up does not make room for another hash.
        let work = move || (work(), drop((turn, self.waiting))).0;
        tokio::task::spawn_blocking(work).await.expect("hashing does not panic")
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let params = params.expect("the constants are in Argon2's ranges");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str) -> String {
    let salt = random_bytes::<SALT_BYTES>();
    let hashed = argon2().hash_password_with_salt(password.as_bytes(), &salt);
    hashed.expect("length and salt are within Argon2's ranges").to_string()
}

/// With the parameters that the stored hash names.
fn verify(password: &str, stored: &str) -> bool {
    // No password has more; what is longer is not worth hashing.
    if password.len() > MAX_PASSWORD_BYTES {
        return false;
    }
    PasswordHash::new(stored)
        .is_ok_and(|stored| argon2().verify_password(password.as_bytes(), &stored).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_argon2id_with_owasps_parameters_and_a_salt_of_their_own() {
        let (one, two) = (hash("correct horse battery"), hash("correct horse battery"));
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert!(verify("correct horse battery", &one));
        assert!(!verify("correct horse batterz", &one));
        assert!(!verify("correct horse battery", "not a hash"));
    }

    #[test]
    fn short_long_guessable_and_named_passwords_are_refused() {
        let long = "ab1 ".repeat(33);
        for bad in
            ["", "short", "elevenchars", &long, "Password1234", "abababababab", "I am OLGA, hello"]
        {
            assert!(check("olga", bad).is_err(), "{bad:?}");
        }
        for good in ["correct horse battery", "ñandú en la pampa", "x9!kQ2#mZ7@p"] {
            check("olga", good).unwrap();
        }
    }

    #[tokio::test]
    async fn logins_beyond_the_bound_are_refused_not_queued() {
        let hasher = Hasher::new();
        let all = hasher.waiting.try_acquire_many(HASHES_WAITING as u32).unwrap();
        assert!(matches!(hasher.place(), Err(AccountError::Busy)));
        drop(all);
        let place = hasher.place().unwrap();
        assert!(!place.matches(Zeroizing::new("x".into()), None).await);
    }
}
