//! "Did you mean": what somebody probably wanted to type.

use precinto_api::nearest;

/// Names listed at most where none is near.
const MAX_LISTED: usize = 20;

/// A sentence that helps whoever wrote `word` instead of one of the known names.
pub fn hint(word: &str, known: &[&str]) -> String {
    let near = nearest(word, known);
    if near.is_empty() {
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

    #[test]
    fn what_is_near_is_suggested_and_what_is_far_lists_all() {
        let schemes = ["uy-rut", "cl-rut", "pe-ruc", "eori", "br-cnpj"];
        assert_eq!(hint("eory", &schemes), "did you mean \"eori\"?");
        assert_eq!(hint("rut", &schemes), "did you mean \"uy-rut\" or \"cl-rut\"?");
        assert_eq!(hint("passport", &["a", "b"]), "there are: a, b");
        let many = ["far-away"; 30];
        assert!(hint("x", &many).ends_with("far-away, ..."));
    }
}
