//! What a node exports.

use std::collections::{BTreeMap, BTreeSet};

/// The figures of one node at one moment.
#[derive(Debug)]
pub struct Figures {
    families: BTreeSet<String>,
    values: BTreeMap<String, f64>,
}

impl Figures {
    /// Of Prometheus' text format.
    pub(crate) fn parse(text: &str) -> Figures {
        let families = text.lines().filter_map(|line| {
            line.strip_prefix("# TYPE ")?.split_whitespace().next().map(str::to_owned)
        });
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let values = samples.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Figures { families: families.collect(), values: values.collect() }
    }

    /// Names without labels, and without the suffixes of histograms.
    pub fn families(&self) -> BTreeSet<String> {
        self.families.clone()
    }

    /// A sample, named with its labels (`name{label="value"}`).
    pub fn value(&self, sample: &str) -> f64 {
        let value = self.values.get(sample);
        *value.unwrap_or_else(|| panic!("no {sample} in {:?}", self.values.keys()))
    }
}
