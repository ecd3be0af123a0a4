//! Enumerations that have a name in text and an index in CBOR.

/// Defines an enumeration whose variants have an index (CBOR) and a name (text): `ALL`, `name`,
/// `Display` and `FromStr` come with it.
macro_rules! named {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $index:literal, $text:literal;)+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, minicbor::Encode, minicbor::Decode)]
        #[cbor(index_only)]
        pub enum $name {
            $($(#[$doc])* #[n($index)] $variant,)+
        }

        impl $name {
            /// Every one, in encoding order.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// Its name in text.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::names::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|known| known.name() == text).ok_or_else(|| {
                    let known = Self::ALL.iter().map(|known| known.name()).collect();
                    $crate::names::UnknownName { text: text.into(), known }
                })
            }
        }
    };
}

pub(crate) use named;

/// The text is none of the names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is none of {}", known.join(", "))]
pub struct UnknownName {
    /// What was written.
    pub text: alloc::string::String,
    /// What may be written.
    pub known: alloc::vec::Vec<&'static str>,
}
