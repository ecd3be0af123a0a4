//! What criterion measured of the single steps.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::Deserialize;

/// A step.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// Its name: group, function and parameter, with slashes between.
    pub name: String,
    /// Median time, nanoseconds.
    pub median_ns: f64,
}

/// `benchmark.json` of criterion, the part that is used.
#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

/// `estimates.json` of criterion, the part that is used.
#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// The newest result of every step below criterion's directory, by name; none if it is not there.
///
/// # Errors
/// If a result cannot be read.
pub fn read(directory: &Path) -> anyhow::Result<Vec<Step>> {
    let mut steps = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(folder) = open.pop() {
        if folder.file_name().is_some_and(|name| name == "new") {
            steps.push(step(&folder).with_context(|| folder.display().to_string())?);
        } else {
            open.extend(folders(&folder).with_context(|| folder.display().to_string())?);
        }
    }
    steps.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(steps)
}

fn step(folder: &Path) -> anyhow::Result<Step> {
    let benchmark: Benchmark = serde_json::from_slice(&fs::read(folder.join("benchmark.json"))?)?;
    let estimates: Estimates = serde_json::from_slice(&fs::read(folder.join("estimates.json"))?)?;
    Ok(Step { name: benchmark.full_id, median_ns: estimates.median.point_estimate })
}

fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    Ok(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criterions_files_are_found_and_read() {
        let directory = std::env::temp_dir().join(format!("precinto-steps-{}", std::process::id()));
        let new = directory.join("verify/strict/new");
        fs::create_dir_all(&new).unwrap();
        fs::write(new.join("benchmark.json"), r#"{"full_id":"verify/strict","x":1}"#).unwrap();
        fs::write(new.join("estimates.json"), r#"{"median":{"point_estimate":46000.5}}"#).unwrap();
        let steps = read(&directory);
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(steps.unwrap(), [Step { name: "verify/strict".into(), median_ns: 46_000.5 }]);
        assert_eq!(read(&directory).unwrap(), []);
    }
}
