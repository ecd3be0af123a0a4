//! Deliberate bugs, which exist only with the feature `mutations`.

#[cfg(feature = "mutations")]
pub(crate) use precinto_mutation::active as mutated;

/// There are none: the compiler leaves out whatever asks.
#[cfg(not(feature = "mutations"))]
pub(crate) const fn mutated(_: &str) -> bool {
    false
}
