//! Arguments that are one of some names: listed in the help, completed by shells, and suggested to
//! those who mistype them.

use std::ffi::OsStr;

use clap::{
    Arg, Command, Error,
    builder::{PossibleValue, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};
use precinto_api::nearest;

/// Parses one of these values by its name.
#[derive(Clone, Copy)]
pub struct Named<T: 'static>(pub &'static [T], pub fn(T) -> &'static str);

impl<T: 'static> Named<T> {
    fn names(&self) -> impl Iterator<Item = &'static str>
    where
        T: Copy,
    {
        let name = self.1;
        self.0.iter().map(move |value| name(*value))
    }
}

impl<T: Copy + Send + Sync + 'static> TypedValueParser for Named<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        let written = value.to_string_lossy();
        if let Some(at) = self.names().position(|name| name == written) {
            return Ok(self.0[at]);
        }
        let near = nearest(&written, &self.names().collect::<Vec<_>>()).join("' or '");
        let names = self.names().map(str::to_owned).collect();
        let mut error = Error::new(ErrorKind::InvalidValue).with_cmd(command);
        if let Some(arg) = arg {
            error.insert(ContextKind::InvalidArg, ContextValue::String(arg.to_string()));
        }
        error.insert(ContextKind::InvalidValue, ContextValue::String(written.into_owned()));
        error.insert(ContextKind::ValidValue, ContextValue::Strings(names));
        if !near.is_empty() {
            error.insert(ContextKind::SuggestedValue, ContextValue::String(near));
        }
        Err(error)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.names().map(PossibleValue::new)))
    }
}

#[cfg(test)]
mod tests {
    use clap::Arg;
    use precinto_protocol::aeo::Scheme;

    use super::*;

    fn parse(word: &str) -> Result<Scheme, String> {
        let arg = Arg::new("SCHEME").value_parser(Named(Scheme::ALL, Scheme::name));
        let matches = Command::new("test").arg(arg).try_get_matches_from(["test", word]);
        let matches = matches.map_err(|error| error.to_string())?;
        Ok(*matches.get_one("SCHEME").expect("it was given"))
    }

    #[test]
    fn a_name_parses_and_a_slip_is_answered_with_what_was_meant() {
        assert_eq!(parse("uy-rut"), Ok(Scheme::UyRut));
        let error = parse("rut").unwrap_err();
        assert!(error.contains("'cl-rut' or 'uy-rut'"), "{error}");
        assert!(error.contains("br-cnpj"), "the others are listed: {error}");
    }
}
