//! "Did you mean": what somebody probably wanted to type.

/// Suggestions at most: more is a list, not a help.
const MAX_SUGGESTIONS: usize = 3;

/// Names listed at most where none is near.
const MAX_LISTED: usize = 20;

/// The known names that `word` may have been meant for, the nearest first.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|name| Some((distance(&word, &name.to_lowercase())?, name)))
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(MAX_SUGGESTIONS).map(|(_, name)| name).collect()
}

/// How far two words are apart; `None` if one is hardly meant for the other.
fn distance(word: &str, name: &str) -> Option<usize> {
    // A part of a name: `rut` of `uy-rut` and `cl-rut`.
    if word.len() >= 2 && name.split(['-', '.', '_']).any(|part| part == word) {
        return Some(0);
    }
    let edits = strsim::damerau_levenshtein(word, name);
    let tolerated = (word.chars().count().max(name.chars().count()) / 3).max(1);
    (edits <= tolerated).then_some(edits)
}

/// A sentence that helps whoever wrote `word` instead of one of the known names.
pub fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let near = nearest(word, known.clone());
    if near.is_empty() {
        let known: Vec<&str> = known.into_iter().collect();
        let listed = known[..known.len().min(MAX_LISTED)].join(", ");
        let more = if known.len() > MAX_LISTED { ", ..." } else { "" };
        return format!("there are: {listed}{more}");
    }
    let quoted: Vec<String> = near.iter().map(|name| format!("{name:?}")).collect();
    format!("did you mean {}?", quoted.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMES: [&str; 5] = ["uy-rut", "cl-rut", "pe-ruc", "eori", "br-cnpj"];

    #[test]
    fn a_part_of_a_name_or_a_slip_finds_it() {
        assert_eq!(nearest("rut", SCHEMES), ["cl-rut", "uy-rut"]);
        assert_eq!(nearest("UY-RTU", SCHEMES), ["uy-rut"]);
        assert_eq!(nearest("ery", ["very"]), ["very"]);
        assert_eq!(hint("eory", SCHEMES), "did you mean \"eori\"?");
    }

    #[test]
    fn what_is_far_from_all_lists_them() {
        assert_eq!(nearest("passport", SCHEMES), [""; 0]);
        assert_eq!(hint("passport", ["a", "b"]), "there are: a, b");
        assert_eq!(nearest("", SCHEMES), [""; 0]);
    }
}
