//! `precinto completions`.

use clap::{CommandFactory, ValueEnum};
use clap_complete::{generate, shells};

use super::{Cli, output};

/// A shell that completes what one types.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Shell {
    /// In ~/.bashrc: source <(precinto completions bash)
    Bash,
    /// As a file _precinto in a directory of $fpath
    Zsh,
    /// As ~/.config/fish/completions/precinto.fish
    Fish,
}

/// Prints the script that teaches a shell our commands.
pub fn print(shell: Shell) {
    let (mut command, mut script) = (Cli::command(), Vec::new());
    let name = command.get_name().to_owned();
    match shell {
        Shell::Bash => generate(shells::Bash, &mut command, name, &mut script),
        Shell::Zsh => generate(shells::Zsh, &mut command, name, &mut script),
        Shell::Fish => generate(shells::Fish, &mut command, name, &mut script),
    }
    output::line(format_args!("{}", String::from_utf8_lossy(&script).trim_end()));
}
