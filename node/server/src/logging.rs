//! Logs: lines on standard error, for people or for machines. Every line of a node names the node
//! and its member.

use std::{fmt, str::FromStr};

use precinto_protocol::identity::{MemberId, NodeId};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{self, Json, JsonFields, Writer},
    },
    registry::LookupSpan,
};

/// Variable with a filter that goes before any other.
const FILTER: &str = "PRECINTO_LOG";

/// What commands other than a node log.
const QUIET: &str = "warn";

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<LogFormat, Self::Err> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("expected \"text\" or \"json\""),
        }
    }
}

/// A filter of log lines that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLevel(String);

impl FromStr for LogLevel {
    type Err = tracing_subscriber::filter::ParseError;

    fn from_str(text: &str) -> Result<LogLevel, Self::Err> {
        EnvFilter::builder().parse(text).map(|_| LogLevel(text.to_owned()))
    }
}

/// Whose lines they are.
#[derive(Debug, Clone)]
pub struct Whose {
    /// The node.
    pub node: NodeId,
    /// Its member.
    pub member: MemberId,
}

/// Starts the log of a node.
pub fn of_node(whose: Whose, format: LogFormat, level: &LogLevel) {
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter(&level.0))
        .with_ansi(false);
    match format {
        LogFormat::Text => {
            let lines = format::format().with_ansi(false);
            log.event_format(Text { lines, whose }).init();
        }
        LogFormat::Json => {
            let lines = format::format().json().with_span_list(false);
            log.fmt_fields(JsonFields::new()).event_format(Machine { lines, whose }).init();
        }
    }
}

/// Starts the log of a command that ends by itself: it says what it has to say on its own.
pub fn of_command() {
    tracing_subscriber::fmt().with_env_filter(filter(QUIET)).with_writer(std::io::stderr).init();
}

fn filter(otherwise: &str) -> EnvFilter {
    EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new(otherwise))
}

struct Text {
    lines: format::Format,
    whose: Whose,
}

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.lines.format_event(context, Writer::new(&mut line), event)?;
        let Whose { node, member } = &self.whose;
        writeln!(writer, "{} {{node={node} member={member}}}", line.trim_end())
    }
}

struct Machine {
    lines: format::Format<Json>,
    whose: Whose,
}

impl<S, N> FormatEvent<S, N> for Machine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.lines.format_event(context, Writer::new(&mut line), event)?;
        let Whose { node, member } = &self.whose;
        // A member's id is lower-case letters, digits and hyphens: nothing to escape.
        let rest = line.strip_prefix('{').ok_or(fmt::Error)?;
        write!(writer, "{{\"node\":{node},\"member\":\"{member}\",{rest}")
    }
}
