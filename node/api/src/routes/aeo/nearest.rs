//! "Did you mean": the known names that come closest to what was written.

/// Names offered at most.
const MAX_OFFERED: usize = 3;

/// The known names that `text` is a part of (`rut` of `uy-rut`), or else those that a typing error
/// or two made into it; best first.
pub(super) fn nearest<'a>(text: &str, known: &[&'a str]) -> Vec<&'a str> {
    let text = text.to_lowercase();
    let has_part = |name: &&&str| name.split('-').any(|part| part.eq_ignore_ascii_case(&text));
    let parts: Vec<_> = known.iter().filter(has_part).take(MAX_OFFERED).copied().collect();
    if !parts.is_empty() {
        return parts;
    }
    let mut close: Vec<_> = known
        .iter()
        .map(|name| (distance(&text, &name.to_lowercase()), *name))
        // A third of the letters: more would offer what only happens to be short.
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .collect();
    close.sort_by_key(|(distance, _)| *distance);
    close.into_iter().take(MAX_OFFERED).map(|(_, name)| name).collect()
}

/// Letters to insert, remove or change to make one of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (at, same) in other.iter().map(|c| *c == letter).enumerate() {
            let cost = diagonal + usize::from(!same);
            diagonal = row[at + 1];
            row[at + 1] = cost.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use precinto_protocol::aeo::{Action, Scheme};

    use super::*;

    fn schemes(text: &str) -> Vec<&'static str> {
        let known: Vec<_> = Scheme::ALL.iter().map(|scheme| scheme.name()).collect();
        nearest(text, &known)
    }

    #[test]
    fn a_register_without_its_country_offers_every_country() {
        assert_eq!(schemes("rut"), ["cl-rut", "uy-rut"]);
        assert_eq!(schemes("RUC"), ["ec-ruc", "pe-ruc", "py-ruc"]);
    }

    #[test]
    fn a_typing_error_offers_what_was_meant_and_nonsense_nothing() {
        assert_eq!(schemes("br-cnjp"), ["br-cnpj"]);
        assert_eq!(schemes("euri"), ["eori"]);
        assert!(schemes("").is_empty() && schemes("passport").is_empty());
        let actions: Vec<_> = Action::ALL.iter().map(|action| action.name()).collect();
        assert_eq!(nearest("suspnd", &actions), ["suspend"]);
    }

    #[test]
    fn distances() {
        for (one, other, expected) in [("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3)] {
            assert_eq!(distance(one, other), expected);
        }
    }
}
