//! The sources, as text.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::cargo::root;

/// Folders that hold Rust sources of ours.
const HOMES: [&str; 5] = ["sdk", "node", "contracts", "tests", "benches"];

/// A Rust source file.
pub(crate) struct Source {
    /// Relative to the root.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Every Rust source of the repository.
pub(crate) fn all() -> Vec<Source> {
    let mut sources = Vec::new();
    for home in HOMES {
        collect(&root().join(home), &mut sources);
    }
    assert!(sources.len() > 50, "the sources are not where this test looks");
    sources
}

fn collect(folder: &Path, sources: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        let built = path.ends_with("target") || path.ends_with("node_modules");
        if path.is_dir() && !built {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("sources are UTF-8");
            let path = path.strip_prefix(root()).expect("below the root").into();
            sources.push(Source { path, text });
        }
    }
}

impl Source {
    /// Whether the file is part of the library or program of the crate in `folder`, other than of
    /// its tests.
    pub(crate) fn is_product_of(&self, folder: &str) -> bool {
        let test = self.path.ends_with("tests.rs") || self.path.iter().any(|part| part == "tests");
        self.path.starts_with(Path::new(folder).join("src")) && !test
    }

    /// The lines that are compiled into the product, with their numbers: without comments, and up
    /// to the file's tests, which stand at its end.
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .take_while(|line| {
                !line.starts_with("#[cfg(test)]") && !line.starts_with("#[cfg(all(test")
            })
            .enumerate()
            .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
    }
}
