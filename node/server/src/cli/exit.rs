//! How a command ends: the exit code, and what its user is told.

use std::{io, process::ExitCode};

use precinto_client::ClientError;
use serde::Serialize;

use super::output;

/// What the exit codes mean, as `--help` and docs/CLI.md tell it.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  refused or failed, and would be again
  2  the command line cannot be right
  3  not possible at the moment, or the outcome is not known yet: try again
  4  not logged in, or not allowed
  5  the answer is no, where --check asked for one";

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum Exit {
    /// Refused or failed, and would be again.
    Failed = 1,
    /// The command line cannot be right.
    Usage = 2,
    /// Not possible at the moment, or the outcome is not known yet.
    Retry = 3,
    /// Not logged in, or not allowed.
    Denied = 4,
    /// The answer is no, where one was asked for.
    Negative = 5,
}

/// An error that knows what its user can do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    message: String,
    code: &'static str,
    hint: String,
    exit: Exit,
}

impl Failure {
    /// The command line cannot be right: something it names does not exist.
    pub fn usage(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure { message: message.into(), code, hint: hint.into(), exit: Exit::Usage }
    }

    /// Refused or failed, and would be again.
    pub fn failed(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure { message: message.into(), code, hint: hint.into(), exit: Exit::Failed }
    }

    /// Not possible at the moment, or the outcome is not known yet.
    pub fn retry(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Failure { message: message.into(), code, hint: hint.into(), exit: Exit::Retry }
    }
}

/// The answer to `--check` is no. It was printed; there is nothing to add.
#[derive(Debug, thiserror::Error)]
#[error("the answer is no")]
pub struct Negative;

/// Something is wrong with what was to be checked. It was printed; there is nothing to add.
#[derive(Debug, thiserror::Error)]
#[error("there are findings")]
pub struct Found;

/// What is told of an error.
#[derive(PartialEq, Eq, Debug, Serialize)]
struct Told {
    detail: String,
    code: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    hint: String,
    exit: u8,
}

/// Tells of an error on standard error, as text or as one line of JSON; gives the exit code.
pub fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    if error.chain().any(is_closed_pipe) {
        // Whoever read our output (`| head`) has seen enough.
        return ExitCode::SUCCESS;
    }
    if error.is::<Negative>() {
        return ExitCode::from(Exit::Negative as u8);
    }
    if error.is::<Found>() {
        return ExitCode::from(Exit::Failed as u8);
    }
    let told = tell(error);
    if json {
        let line = serde_json::json!({ "error": told });
        output::notice(format_args!("{line}"));
    } else {
        output::notice(format_args!("error: {} [{}]", told.detail, told.code));
        if !told.hint.is_empty() {
            output::notice(format_args!("hint: {}", told.hint));
        }
    }
    ExitCode::from(told.exit)
}

fn is_closed_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe)
}

fn tell(error: &anyhow::Error) -> Told {
    let of = |detail: String, code: &str, hint: &str, exit: Exit| Told {
        detail,
        code: code.to_owned(),
        hint: hint.to_owned(),
        exit: exit as u8,
    };
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return of(format!("{error:#}"), failure.code, &failure.hint, failure.exit);
    }
    match error.downcast_ref::<ClientError>() {
        Some(ClientError::Problem(problem)) => {
            let exit = match problem.status {
                _ if problem.retryable => Exit::Retry,
                401 | 403 => Exit::Denied,
                _ => Exit::Failed,
            };
            of(problem.detail.clone(), &problem.code, &problem.hint, exit)
        }
        Some(ClientError::Transport(cause)) => {
            let hint = "is the node running, and is this its address? A command that changes \
                        something may have taken effect all the same: look before you repeat it";
            let detail = format!("no answer from the node: {}", root(cause));
            of(detail, "no-answer", hint, Exit::Retry)
        }
        Some(other) => {
            let exit = if other.retryable() { Exit::Retry } else { Exit::Failed };
            of(other.to_string(), "bad-answer", "is this the address of a Precinto node?", exit)
        }
        None => of(format!("{error:#}"), "failed", "", Exit::Failed),
    }
}

/// What is behind an error: "connection refused" tells more than "error sending request".
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use precinto_client::Problem;

    use super::*;

    fn problem(status: u16, retryable: bool) -> anyhow::Error {
        let problem = Problem {
            title: "Title".into(),
            status,
            detail: "what".into(),
            code: "some-code".into(),
            hint: "how".into(),
            retryable,
            retry_after: None,
            transaction: None,
        };
        ClientError::from(Box::new(problem)).into()
    }

    #[test]
    fn each_kind_of_error_has_its_exit_code() {
        assert_eq!(tell(&problem(401, false)).exit, 4);
        assert_eq!(tell(&problem(403, false)).exit, 4);
        assert_eq!(tell(&problem(409, false)).exit, 1);
        assert_eq!(tell(&problem(429, true)).exit, 3);
        assert_eq!(tell(&Failure::usage("a", "b", "c").into()).exit, 2);
        assert_eq!(tell(&Failure::retry("a", "b", "c").into()).exit, 3);
        assert_eq!(tell(&anyhow::anyhow!("broken")).exit, 1);
    }

    #[test]
    fn what_code_and_hint_are_told_with_the_context() {
        let told = tell(&problem(409, false));
        assert_eq!((told.detail.as_str(), told.code.as_str()), ("what", "some-code"));
        assert_eq!(told.hint, "how");
        let failure: anyhow::Error = Failure::failed("bad-rows", "3 rows are bad", "mend").into();
        let told = tell(&failure.context("list.csv"));
        assert_eq!(
            (told.detail.as_str(), told.code.as_str()),
            ("list.csv: 3 rows are bad", "bad-rows")
        );
        let io: Result<(), _> = Err(io::Error::other("gone"));
        let told = tell(&io.context("cannot read list.csv").unwrap_err());
        assert_eq!(told.detail, "cannot read list.csv: gone");
    }
}
