//! `precinto login` and `precinto logout`: a session's token is kept in the user's state directory,
//! one file per node.

use std::{
    fs::{self, DirBuilder},
    io::{self, BufRead},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
};

use anyhow::{Context, bail};
use precinto_client::Client;
use precinto_protocol::hash::sha256;
use zeroize::Zeroizing;

use super::{output, target::Target};
use crate::keyfile;

/// Who logs in.
#[derive(Debug, clap::Args)]
pub struct LoginArgs {
    /// Name of the account
    name: String,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

/// Where the session at a node is kept: `$XDG_STATE_HOME/precinto/sessions`, or the same below
/// `~/.local/state`.
pub fn session_file(url: &str) -> anyhow::Result<PathBuf> {
    let state = match std::env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => {
            let home =
                std::env::var_os("HOME").context("neither XDG_STATE_HOME nor HOME is set")?;
            PathBuf::from(home).join(".local/state")
        }
    };
    let name = sha256(&[url.trim_end_matches('/').as_bytes()]).to_hex();
    Ok(state.join("precinto/sessions").join(&name[..32]))
}

/// Begins a session and keeps it.
pub async fn log_in(args: LoginArgs, target: &Target) -> anyhow::Result<()> {
    let url = target.url();
    let client = Client::anonymous(url)?;
    let password = password(&format!("Password of {} at {url}", args.name), args.password_stdin)?;
    let session = client.log_in(&args.name, &password).await?;
    let file = session_file(url)?;
    if let Some(directory) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    if file.exists() {
        fs::remove_file(&file)?;
    }
    keyfile::write_new(&file, &session.token)?;
    let (name, roles) = (&session.who.name, session.who.roles.join(", "));
    let until = session.who.expires_ms.map(output::time).unwrap_or_default();
    output::line(format_args!("Logged in at {url} as {name} ({roles}) until {until} UTC"));
    Ok(())
}

/// Ends the session that is kept.
pub async fn log_out(target: &Target) -> anyhow::Result<()> {
    let file = session_file(target.url())?;
    if !file.exists() {
        bail!("not logged in at {}", target.url());
    }
    let token = keyfile::read(&file)?;
    let ended = Client::new(target.url(), &hex::encode(*token))?.log_out().await;
    fs::remove_file(&file)?;
    match ended {
        // It had ended by itself.
        Err(error) if error.code() == Some("unauthorized") => {}
        other => other?,
    }
    output::line(format_args!("Logged out at {}", target.url()));
    Ok(())
}

/// Asks for a password without showing it, or reads a line of standard input.
pub fn password(prompt: &str, from_stdin: bool) -> anyhow::Result<Zeroizing<String>> {
    if !from_stdin {
        let typed = rpassword::prompt_password(format!("{prompt}: "));
        let typed = typed.context("no terminal to ask for a password: use --password-stdin")?;
        return Ok(Zeroizing::new(typed));
    }
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line)?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    Ok(Zeroizing::new(password.strip_suffix('\r').unwrap_or(password).to_owned()))
}

/// The same for a new password, which is asked for twice.
pub fn new_password(prompt: &str, from_stdin: bool) -> anyhow::Result<Zeroizing<String>> {
    let first = password(prompt, from_stdin)?;
    if !from_stdin && *password("The same again", false)? != *first {
        bail!("the passwords differ: nothing was changed");
    }
    Ok(first)
}
