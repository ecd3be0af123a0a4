//! A document whose tables are made by program.
//!
//! ```text
//! <!-- bench:NAME -->
//! (made by program)
//! <!-- /bench:NAME -->
//! ```

use anyhow::{Context, bail};

const BEGIN: &str = "<!-- bench:";
const END: &str = " -->";

/// The document with what `render` makes of each marker's name between the markers.
///
/// # Errors
/// If a marker is not closed or `render` knows no table of that name.
pub fn renew(document: &str, render: impl Fn(&str) -> Option<String>) -> anyhow::Result<String> {
    let mut renewed = String::with_capacity(document.len());
    let mut rest = document;
    while let Some(at) = rest.find(BEGIN) {
        let (before, marked) = rest.split_at(at);
        let name = &marked[BEGIN.len()..];
        let name = &name[..name.find(END).context("a marker without an end")?];
        if name.contains('\n') {
            bail!("a marker over several lines: {name:?}");
        }
        let close = format!("<!-- /bench:{name} -->");
        let after = marked.find(&close).with_context(|| format!("{name} is not closed"))?;
        let table = render(name).with_context(|| format!("there is no table {name:?}"))?;
        let table = table.trim();
        renewed += before;
        renewed += &format!("{BEGIN}{name}{END}\n\n{table}\n\n{close}");
        rest = &marked[after + close.len()..];
    }
    Ok(renewed + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n<!-- bench:y -->\
                            <!-- /bench:y -->\nc\n";

    #[test]
    fn what_stands_between_markers_is_replaced_and_nothing_else() {
        let renewed = renew(DOCUMENT, |name| Some(format!("table {name}\n"))).unwrap();
        let expected = "a\n<!-- bench:x -->\n\ntable x\n\n<!-- /bench:x -->\nb\n<!-- bench:y -->\n\n\
                        table y\n\n<!-- /bench:y -->\nc\n";
        assert_eq!(renewed, expected);
        let again = renew(&renewed, |name| Some(format!("table {name}"))).unwrap();
        assert_eq!(again, renewed);
    }

    #[test]
    fn markers_that_are_open_or_unknown_are_errors() {
        assert!(renew("<!-- bench:x -->\n", |_| Some(String::new())).is_err());
        assert!(renew("<!-- bench:x", |_| Some(String::new())).is_err());
        assert!(renew(DOCUMENT, |name| (name == "x").then(String::new)).is_err());
    }
}
