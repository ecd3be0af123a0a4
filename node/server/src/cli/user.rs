//! `precinto user`: the accounts of a node.

use clap::{Args, Subcommand};
use precinto_client::types::User;

use super::{
    login::{new_password, password},
    output::{self, Table},
    target::Target,
};

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// List all accounts
    List,
    /// Add an account
    Add {
        /// Name: letters, digits, dots, hyphens and underscores
        name: String,
        /// What it may do: admin, officer, supervisor, inspector, annotator, analyst, auditor
        #[arg(long, value_delimiter = ',', required = true)]
        roles: Vec<String>,
        /// Without a password: it is used with tokens alone
        #[arg(long, conflicts_with = "password_stdin")]
        no_password: bool,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        from: PasswordFrom,
    },
    /// Give an account other roles
    SetRoles {
        /// The account
        name: String,
        /// All its roles; the others are taken away
        #[arg(value_delimiter = ',', required = true)]
        roles: Vec<String>,
    },
    /// Disable an account, which ends its sessions
    Disable {
        /// The account
        name: String,
    },
    /// Enable an account again
    Enable {
        /// The account
        name: String,
    },
    /// Set a password: one's own, or as an admin another's
    Passwd {
        /// The account; one's own if not given
        name: Option<String>,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        from: PasswordFrom,
    },
    /// Tokens for programs
    #[command(subcommand)]
    Token(TokenCommand),
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, this once
    Add {
        /// The account
        user: String,
        /// The token's name
        name: String,
        /// Of the account's roles
        #[arg(long, value_delimiter = ',', required = true)]
        roles: Vec<String>,
        /// How long it is good; for ever if not given
        #[arg(long)]
        days: Option<u32>,
    },
    /// Revoke a token
    Revoke {
        /// The account
        user: String,
        /// The token's name
        name: String,
    },
}

/// Where a password comes from.
#[derive(Debug, Args)]
pub struct PasswordFrom {
    /// Read passwords from standard input, one per line, instead of asking for them
    #[arg(long)]
    password_stdin: bool,
}

/// Does what was asked.
pub async fn run(command: UserCommand, target: &Target, json: bool) -> anyhow::Result<()> {
    let client = target.client()?;
    let user = match command {
        UserCommand::List => {
            let users = client.users().await?.users;
            return show(&users, json);
        }
        UserCommand::Add { name, roles, no_password, from } => {
            let password = match no_password {
                true => None,
                false => Some(new_password(&format!("Password of {name}"), from.password_stdin)?),
            };
            client.add_user(&name, &roles, password.as_ref().map(|p| p.as_str())).await?
        }
        UserCommand::SetRoles { name, roles } => client.set_user_roles(&name, &roles).await?,
        UserCommand::Disable { name } => client.set_user_disabled(&name, true).await?,
        UserCommand::Enable { name } => client.set_user_disabled(&name, false).await?,
        UserCommand::Passwd { name: Some(name), from } => {
            let password = new_password(&format!("Password of {name}"), from.password_stdin)?;
            client.reset_user_password(&name, &password).await?
        }
        UserCommand::Passwd { name: None, from } => {
            let current = password("Password in force", from.password_stdin)?;
            let new = new_password("New password", from.password_stdin)?;
            client.change_password(&current, &new).await?;
            output::line(format_args!("The password is changed; your other sessions have ended"));
            return Ok(());
        }
        UserCommand::Token(TokenCommand::Add { user, name, roles, days }) => {
            let made = client.add_user_token(&user, &name, &roles, days).await?;
            if json {
                output::json(&made);
            } else {
                output::line(format_args!("{}", made.token));
            }
            return Ok(());
        }
        UserCommand::Token(TokenCommand::Revoke { user, name }) => {
            client.revoke_user_token(&user, &name).await?
        }
    };
    show(&[user], json)
}

fn show(users: &[User], json: bool) -> anyhow::Result<()> {
    if json {
        output::json(&users);
        return Ok(());
    }
    let mut table = Table::new(["NAME", "ROLES", "STATE", "PASSWORD", "TOKENS"]);
    for user in users {
        let tokens: Vec<_> = user.tokens.iter().map(|token| token.name.as_str()).collect();
        table.row([
            user.name.clone(),
            user.roles.join(", "),
            if user.disabled { "disabled" } else { "enabled" }.to_owned(),
            if user.has_password { "yes" } else { "no" }.to_owned(),
            tokens.join(", "),
        ]);
    }
    output::table(&table);
    Ok(())
}
