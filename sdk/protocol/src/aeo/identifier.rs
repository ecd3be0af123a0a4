//! Identifiers of operators: how each register writes them, and their check digits.
//!
//! An identifier is text, never a number: some have letters (the CNPJ from July 2026 on), some begin
//! with zeros, which spreadsheets drop. Normalization makes one text of all that people write, so
//! that one operator has one lookup tag; a check digit that does not fit is refused, because a tag
//! of a mistyped identifier could never be told from a right one.

use alloc::{format, string::String, vec::Vec};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{hash::Hash, names::named};

/// A normalized identifier, at most this many characters (WCO TIN; the length is confirmed by no
/// public text, so members may want another).
pub const MAX_IDENTIFIER_CHARS: usize = 35;

named! {
    /// A register of identifiers.
    #[derive(PartialOrd, Ord)]
    pub enum Scheme {
        /// European Union: EORI or TCUIN, a country and up to 15 characters.
        Eori = 0, "eori";
        /// WCO Trader Identification Number: a country and up to 33 characters.
        Tin = 1, "tin";
        /// Authorization number as a partner declares it (Singapore: `AEOSG` and 12).
        Aeo = 2, "aeo";
        /// Data Universal Numbering System: nine digits.
        Duns = 3, "duns";
        /// Argentina: CUIT, eleven digits.
        ArCuit = 4, "ar-cuit";
        /// Bolivia: NIT, up to twelve digits.
        BoNit = 5, "bo-nit";
        /// Brazil: CNPJ, twelve letters or digits and two check digits.
        BrCnpj = 6, "br-cnpj";
        /// Chile: RUT, up to eight digits and a check character.
        ClRut = 7, "cl-rut";
        /// Colombia: NIT, nine digits and a check digit.
        CoNit = 8, "co-nit";
        /// Costa Rica: cédula jurídica, ten digits.
        CrCedula = 9, "cr-cedula";
        /// Ecuador: RUC, thirteen digits.
        EcRuc = 10, "ec-ruc";
        /// Guatemala: NIT, up to eight digits and a check character.
        GtNit = 11, "gt-nit";
        /// Mexico: RFC, twelve or thirteen characters.
        MxRfc = 12, "mx-rfc";
        /// Peru: RUC, eleven digits.
        PeRuc = 13, "pe-ruc";
        /// Paraguay: RUC, up to eight digits and a check digit.
        PyRuc = 14, "py-ruc";
        /// United States: manufacturer id (MID), made of name and address.
        UsMid = 15, "us-mid";
        /// Uruguay: RUT, twelve digits.
        UyRut = 16, "uy-rut";
    }
}

/// Why a text is no identifier of a scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// Characters or length do not fit.
    #[error("{text:?} is no {scheme}: expected {expected}")]
    Shape {
        /// What was written.
        text: String,
        /// The scheme's name.
        scheme: &'static str,
        /// What it must look like.
        expected: &'static str,
    },
    /// The check digit does not fit the rest: a typing error.
    #[error("{text:?} is no {scheme}: its check digit does not fit the rest")]
    CheckDigit {
        /// What was written.
        text: String,
        /// The scheme's name.
        scheme: &'static str,
    },
}

impl Scheme {
    /// What its identifiers look like, for people.
    pub fn expected(self) -> &'static str {
        match self {
            Scheme::Eori => "a country code and 1 to 15 letters or digits",
            Scheme::Tin => "a country code and 1 to 33 letters or digits",
            Scheme::Aeo => "1 to 35 letters or digits",
            Scheme::Duns => "9 digits",
            Scheme::ArCuit => "11 digits",
            Scheme::BoNit => "6 to 12 digits",
            Scheme::BrCnpj => "12 letters or digits and 2 check digits",
            Scheme::ClRut => "up to 8 digits and a check character (0 to 9 or K)",
            Scheme::CoNit => "9 digits and a check digit",
            Scheme::CrCedula => "10 digits",
            Scheme::EcRuc => "13 digits: province, 8 digits, branch",
            Scheme::GtNit => "up to 8 digits and a check character (0 to 9 or K)",
            Scheme::MxRfc => "3 or 4 letters, a date YYMMDD, 3 characters",
            Scheme::PeRuc => "11 digits beginning with 10, 15, 16, 17 or 20",
            Scheme::PyRuc => "up to 8 digits and a check digit",
            Scheme::UsMid => "a country code and 3 to 13 letters or digits",
            Scheme::UyRut => "12 digits",
        }
    }

    /// The one way to write an identifier: upper-case, without spaces, hyphens, dots and slashes,
    /// with the leading zeros that belong to it.
    ///
    /// # Errors
    /// If it does not have the shape, or its check digit does not fit.
    pub fn normalize(self, text: &str) -> Result<String, IdentifierError> {
        let shape = || IdentifierError::Shape {
            text: text.into(),
            scheme: self.name(),
            expected: self.expected(),
        };
        let written = self.significant(text).ok_or_else(shape)?;
        let identifier = self.with_zeros(&written);
        if !self.has_shape(&identifier) {
            return Err(shape());
        }
        if !self.check_fits(&identifier) {
            return Err(IdentifierError::CheckDigit { text: text.into(), scheme: self.name() });
        }
        Ok(identifier)
    }

    /// Upper-case without separators; `None` if anything else is in it, or it is too long.
    fn significant(self, text: &str) -> Option<String> {
        let mut written = String::new();
        for character in text.chars() {
            match character {
                ' ' | '-' | '.' | '/' => continue,
                c if c.is_ascii_alphanumeric() => written.push(c.to_ascii_uppercase()),
                '&' if self == Scheme::MxRfc => written.push('&'),
                'ñ' | 'Ñ' if self == Scheme::MxRfc => written.push('Ñ'),
                _ => return None,
            }
            if written.chars().count() > MAX_IDENTIFIER_CHARS {
                return None;
            }
        }
        Some(written)
    }

    /// Puts back the zeros that a register of fixed length begins with, and takes away those that
    /// one of variable length does not have.
    fn with_zeros(self, written: &str) -> String {
        match self {
            // Their check digits tell whether zeros were all that was missing.
            Scheme::BrCnpj if is_digits(written) && written.len() > 2 => format!("{written:0>14}"),
            Scheme::CoNit if is_digits(written) && written.len() > 6 => format!("{written:0>10}"),
            Scheme::ClRut | Scheme::GtNit | Scheme::PyRuc | Scheme::BoNit => {
                written.trim_start_matches('0').into()
            }
            // Provinces 01 to 09.
            Scheme::EcRuc if is_digits(written) && written.len() == 12 => format!("0{written}"),
            _ => written.into(),
        }
    }

    fn has_shape(self, identifier: &str) -> bool {
        let length = identifier.chars().count();
        match self {
            Scheme::Eori => has_country(identifier) && (3..=17).contains(&length),
            Scheme::Tin => has_country(identifier) && (3..=35).contains(&length),
            Scheme::UsMid => has_country(identifier) && (5..=15).contains(&length),
            Scheme::Aeo => (1..=MAX_IDENTIFIER_CHARS).contains(&length),
            Scheme::BrCnpj => length == 14 && is_digits(&identifier[12..]),
            Scheme::ClRut | Scheme::GtNit => {
                (2..=9).contains(&length) && {
                    let (body, check) = identifier.split_at(length - 1);
                    is_digits(body) && (is_digits(check) || check == "K")
                }
            }
            Scheme::MxRfc => is_rfc(identifier),
            _ if !is_digits(identifier) => false,
            Scheme::Duns => length == 9,
            Scheme::ArCuit => length == 11,
            Scheme::BoNit => (6..=12).contains(&length),
            Scheme::CoNit | Scheme::CrCedula => length == 10,
            Scheme::EcRuc => length == 13 && is_ecuadorian(identifier),
            Scheme::PeRuc => {
                length == 11 && ["10", "15", "16", "17", "20"].contains(&&identifier[..2])
            }
            Scheme::PyRuc => (2..=9).contains(&length),
            Scheme::UyRut => length == 12,
        }
    }

    /// Whether the check characters fit, for an identifier of the right shape. True where the register
    /// publishes no rule, or no longer holds to it (Ecuador).
    fn check_fits(self, identifier: &str) -> bool {
        let rule = match self {
            Scheme::ArCuit => Check { weights: &[2, 3, 4, 5, 6, 7], characters: "123456789-0" },
            Scheme::PeRuc => Check { weights: &[2, 3, 4, 5, 6, 7], characters: "12345678901" },
            Scheme::ClRut => Check { weights: &[2, 3, 4, 5, 6, 7], characters: "123456789K0" },
            Scheme::UyRut => Check { weights: &TWO_TO_NINE, characters: "123456789-0" },
            Scheme::GtNit => Check { weights: &TWO_TO_NINE, characters: "123456789K0" },
            Scheme::PyRuc => {
                Check { weights: &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11], characters: "12345678900" }
            }
            Scheme::CoNit => {
                Check { weights: &[3, 7, 13, 17, 19, 23, 29, 37, 41], characters: "12345678910" }
            }
            Scheme::MxRfc => {
                return rfc_check(identifier);
            }
            Scheme::BrCnpj => {
                let rule = Check { weights: &TWO_TO_NINE, characters: "12345678900" };
                return rule.fits(&identifier[..13]) && rule.fits(identifier);
            }
            _ => return true,
        };
        rule.fits(identifier)
    }
}

const TWO_TO_NINE: [u32; 8] = [2, 3, 4, 5, 6, 7, 8, 9];

/// A check character modulo 11: the sum of the characters' values, each times its weight, counted
/// from the right, gives a remainder.
struct Check {
    /// From the right; begins again where the identifier is longer.
    weights: &'static [u32],
    /// The check character for each of 11 less the remainder, from 1 to 11; `-` where none exists.
    characters: &'static str,
}

impl Check {
    /// Whether the last character is the one the others ask for.
    fn fits(&self, identifier: &str) -> bool {
        let Some((last, body)) = identifier.as_bytes().split_last() else { return false };
        // Letters count from their place in ASCII (alphanumeric CNPJ); digits are their value.
        let values = body.iter().map(|byte| u32::from(byte.saturating_sub(b'0')));
        self.character(values) == Some(*last)
    }

    fn character(&self, values: impl DoubleEndedIterator<Item = u32>) -> Option<u8> {
        let weighted = values.rev().zip(self.weights.iter().cycle());
        let sum: u32 = weighted.map(|(value, weight)| value * weight).sum();
        let complement = 11 - sum % 11;
        let character = self.characters.as_bytes()[complement as usize - 1];
        (character != b'-').then_some(character)
    }
}

/// The check character of an RFC (SAT, annex of the rules of operation): companies' have a blank
/// in front.
fn rfc_check(identifier: &str) -> bool {
    const ALPHABET: &str = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ";
    let value = |c: char| ALPHABET.chars().position(|known| known == c).map(|at| at as u32);
    let values: Option<Vec<u32>> = identifier.chars().map(value).collect();
    let Some(mut values) = values else { return false };
    if values.len() == 12 {
        values.insert(0, 37);
    }
    let last = values.pop();
    let rule =
        Check { weights: &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], characters: "123456789A0" };
    let character = rule.character(values.into_iter());
    character.and_then(|it| value(char::from(it))) == last && last.is_some()
}

/// Three or four letters, a date, three letters or digits.
fn is_rfc(identifier: &str) -> bool {
    let characters: Vec<char> = identifier.chars().collect();
    let Some(name) = characters.len().checked_sub(9).filter(|name| (3..=4).contains(name)) else {
        return false;
    };
    let number = |at: usize| -> Option<u32> {
        Some(characters[at].to_digit(10)? * 10 + characters[at + 1].to_digit(10)?)
    };
    let dated = |month, day| (1..=12).contains(&month) && (1..=31).contains(&day);
    characters[..name].iter().all(|c| c.is_ascii_uppercase() || matches!(c, '&' | 'Ñ'))
        && number(name).is_some()
        && number(name + 2).zip(number(name + 4)).is_some_and(|(month, day)| dated(month, day))
        && characters[name + 6..].iter().all(char::is_ascii_alphanumeric)
}

/// Province 01 to 24 or 30 (registered abroad), a branch that is not 000.
fn is_ecuadorian(ruc: &str) -> bool {
    let province: u32 = ruc[..2].parse().unwrap_or(0);
    ((1..=24).contains(&province) || province == 30) && &ruc[10..] != "000"
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Begins with two letters (ISO 3166-1; which ones exist is not checked: `XI` and `EU` are used).
fn has_country(identifier: &str) -> bool {
    identifier.len() >= 2 && identifier.bytes().take(2).all(|byte| byte.is_ascii_uppercase())
}

/// The lookup tag of a normalized identifier in a channel.
pub fn lookup_tag(lookup_key: &[u8; 32], scheme: Scheme, identifier: &str) -> Hash {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(lookup_key).expect("HMAC takes a key of any length");
    let scheme = scheme.name();
    mac.update(b"precinto/lookup-tag");
    mac.update(&(scheme.len() as u32).to_be_bytes());
    mac.update(scheme.as_bytes());
    mac.update(identifier.as_bytes());
    Hash(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(scheme: Scheme, written: &str, normalized: &str) {
        assert_eq!(scheme.normalize(written).as_deref(), Ok(normalized), "{scheme} {written}");
    }

    #[test]
    fn registers_write_alike_what_people_write_differently() {
        good(Scheme::BrCnpj, "11.222.333/0001-81", "11222333000181");
        good(Scheme::BrCnpj, "12abc34501de35", "12ABC34501DE35");
        // A spreadsheet dropped the zeros: Banco do Brasil.
        good(Scheme::BrCnpj, "191", "00000000000191");
        good(Scheme::ArCuit, "30-71024269-7", "30710242697");
        good(Scheme::UyRut, "21 403302 0011", "214033020011");
        good(Scheme::PeRuc, "20131312955", "20131312955");
        good(Scheme::ClRut, "060.805.000-0", "608050000");
        good(Scheme::ClRut, "10.000.013-k", "10000013K");
        good(Scheme::CoNit, "800.197.268-4", "8001972684");
        good(Scheme::PyRuc, "80009735-1", "800097351");
        good(Scheme::GtNit, "576937-K", "576937K");
        good(Scheme::MxRfc, "SAT970701NN3", "SAT970701NN3");
        good(Scheme::EcRuc, "1760013210001", "1760013210001");
        good(Scheme::Eori, "de 1234567", "DE1234567");
        good(Scheme::Aeo, "SLMSBN-ABCDEF-123", "SLMSBNABCDEF123");
        good(Scheme::Duns, "15-048-3782", "150483782");
    }

    #[test]
    fn a_wrong_digit_anywhere_is_found() {
        for (scheme, identifier) in [
            (Scheme::BrCnpj, "11222333000181"),
            (Scheme::ArCuit, "30710242697"),
            (Scheme::UyRut, "214033020011"),
            (Scheme::PeRuc, "20131312955"),
            (Scheme::ClRut, "608050000"),
            (Scheme::CoNit, "8001972684"),
            (Scheme::PyRuc, "800097351"),
        ] {
            for at in 2..identifier.len() {
                let mut wrong = String::from(identifier).into_bytes();
                wrong[at] = if wrong[at] == b'9' { b'0' } else { wrong[at] + 1 };
                let wrong = String::from_utf8(wrong).unwrap();
                let refused = scheme.normalize(&wrong);
                assert!(
                    matches!(refused, Err(IdentifierError::CheckDigit { .. })),
                    "{scheme} {wrong}: {refused:?}"
                );
            }
        }
    }

    #[test]
    fn other_shapes_are_refused() {
        for (scheme, text) in [
            (Scheme::BrCnpj, ""),
            (Scheme::BrCnpj, "1122233300018112"),
            (Scheme::BrCnpj, "1122233300018A"),
            (Scheme::ClRut, "K"),
            (Scheme::PeRuc, "30131312955"),
            (Scheme::Eori, "1234567"),
            (Scheme::Eori, "DE1234567890123456"),
            (Scheme::Tin, "B"),
            (Scheme::MxRfc, "SAT971301NN3"),
            (Scheme::MxRfc, "ÑÑ"),
            (Scheme::MxRfc, "ñandú"),
            (Scheme::EcRuc, "9960013210001"),
            (Scheme::Aeo, "AB_C"),
            (Scheme::Aeo, &"9".repeat(36)),
            (Scheme::Duns, "１５０４８３７８２"),
        ] {
            let refused = scheme.normalize(text);
            assert!(
                matches!(refused, Err(IdentifierError::Shape { .. })),
                "{scheme} {text}: {refused:?}"
            );
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        for scheme in Scheme::ALL {
            for text in ["0", "00", "ñ", "&&&", "Ñ&Ñ010101ÑÑÑ", "É", "----", "0000000000000000000"]
            {
                let _ = scheme.normalize(text);
            }
        }
    }

    #[test]
    fn the_tag_separates_scheme_and_identifier() {
        let key = [7; 32];
        let tag = lookup_tag(&key, Scheme::Eori, "X1");
        assert_ne!(tag, lookup_tag(&key, Scheme::Tin, "X1"));
        assert_ne!(tag, lookup_tag(&[8; 32], Scheme::Eori, "X1"));
    }
}
