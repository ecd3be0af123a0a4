//! `precinto identity`: the keys of a member.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use precinto_client::{
    Client, Consistency,
    types::{NodeStatus, TransactionAnswer},
};
use precinto_protocol::{
    aeo::DAY_MS,
    cbor,
    governance::{self, Enrol, IdentitiesQuery, IdentityPage, Revoke, Rotate},
    identity::{KeyId, Role},
    keys::SigningKey,
    registry::{Identity, IdentityStatus},
};
use serde::Serialize;

use super::{
    exit::Failure,
    named::Named,
    network::print_as_of,
    output::{self, Table},
    statement, suggest,
    target::Target,
    tx,
};
use crate::keyfile;

/// Identities of one page of a query: the most that the contract gives.
const PAGE: u32 = 100;

/// Hexadecimal characters of a key's id that name it, at least.
const MIN_PREFIX: usize = 8;

/// What to do with the keys of a member.
#[derive(Debug, Subcommand)]
pub enum IdentityCommand {
    /// Keys of a member, with their roles and validity
    List {
        /// The member; that of the asked node if not given
        #[arg(long)]
        member: Option<String>,
    },
    /// One key
    Show {
        /// Its id, or its first 8 characters or more
        key: String,
        /// The member; that of the asked node if not given
        #[arg(long)]
        member: Option<String>,
    },
    /// Let a new key sign for the member
    Enrol {
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        key: NewKey,
        /// What it may do; may be repeated
        #[arg(long = "role", required = true, value_parser = Named(&ENROLLED, Role::name))]
        roles: Vec<Role>,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        admin: Admin,
    },
    /// Show that a key made elsewhere is at hand: its public key and a proof, for `enrol` and `rotate`
    Prove {
        /// File with the key
        key: PathBuf,
    },
    /// Let a new key take over the roles of an old one; both are valid for a while
    Rotate {
        /// The old key: its id, or its first 8 characters or more
        old: String,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        key: NewKey,
        /// Days for which the old key stays valid
        #[arg(long, default_value_t = 7)]
        overlap_days: u32,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        admin: Admin,
    },
    /// Let a key sign no more, from now on and for ever
    Revoke {
        /// Its id, or its first 8 characters or more
        key: String,
        /// Why: a short code of lower-case letters, digits and hyphens
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        #[allow(missing_docs, reason = "a doc comment here would become the command's help")]
        admin: Admin,
    },
}

/// Roles that a member gives to its keys; those of nodes change by governance.
const ENROLLED: [Role; 7] = [
    Role::Admin,
    Role::Officer,
    Role::Supervisor,
    Role::Inspector,
    Role::Annotator,
    Role::Analyst,
    Role::Auditor,
];

/// A key that is to sign.
#[derive(Debug, Args)]
pub struct NewKey {
    /// File in which to make the new key
    #[arg(long, value_name = "FILE", conflicts_with_all = ["public_key", "proof"])]
    new_key: Option<PathBuf>,
    /// The new public key, made elsewhere: 64 hexadecimal characters
    #[arg(long, value_name = "HEX", required_unless_present = "new_key", requires = "proof")]
    public_key: Option<String>,
    /// What `precinto identity prove` printed where the key is: 128 hexadecimal characters
    #[arg(long, value_name = "HEX", requires = "public_key")]
    proof: Option<String>,
}

/// Who signs the change, and how long it lasts.
#[derive(Debug, Args)]
pub struct Admin {
    /// File with the key of an admin of the member; the one that `network init` made if not given
    #[arg(long, value_name = "FILE")]
    admin_key: Option<PathBuf>,
    /// Days for which a new key is valid
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..))]
    valid_days: u32,
}

/// A key as it is shown.
#[derive(Serialize)]
struct Shown {
    key_id: String,
    member: String,
    roles: Vec<&'static str>,
    public_key: String,
    valid_from_ms: u64,
    valid_until_ms: u64,
    status: &'static str,
}

/// Does what was asked.
pub async fn run(command: IdentityCommand, target: &Target, json: bool) -> anyhow::Result<()> {
    let client = target.client()?;
    match command {
        IdentityCommand::List { member } => {
            let member = member_or_own(&client, member).await?;
            list(&client, &member, json).await
        }
        IdentityCommand::Show { key, member } => {
            let member = member_or_own(&client, member).await?;
            let identity = find(&client, &member, &key).await?;
            show(&identity, client.status().await?.as_of.time_ms, json);
            Ok(())
        }
        IdentityCommand::Prove { key } => {
            let status = client.status().await?;
            let proven = Proven::of(&keyfile::read_signing_key(&key)?, &status);
            prove(&proven, json);
            Ok(())
        }
        change => self::change(&client, change, target, json).await,
    }
}

async fn change(
    client: &Client,
    command: IdentityCommand,
    target: &Target,
    json: bool,
) -> anyhow::Result<()> {
    let status = client.status().await?;
    let (now_ms, own) = (status.as_of.time_ms, status.member.clone());
    let until_ms = |days: u32| now_ms + u64::from(days) * DAY_MS;
    let (method, args, admin) = match command {
        IdentityCommand::Enrol { key, mut roles, admin } => {
            roles.sort_unstable();
            roles.dedup();
            let (valid_from_ms, valid_until_ms) = (now_ms, until_ms(admin.valid_days));
            let Proven { public_key, possession } = key.proven(&status)?;
            let enrol = Enrol { public_key, roles, valid_from_ms, valid_until_ms, possession };
            ("enrol", cbor::encode(&enrol), admin)
        }
        IdentityCommand::Rotate { old, key, overlap_days, admin } => {
            let old = find(client, &own, &old).await?;
            let Proven { public_key, possession } = key.proven(&status)?;
            let rotate = Rotate {
                old: KeyId::of(&old.public_key),
                public_key,
                possession,
                old_until_ms: until_ms(overlap_days).min(old.valid_until_ms),
                valid_until_ms: until_ms(admin.valid_days),
            };
            ("rotate", cbor::encode(&rotate), admin)
        }
        IdentityCommand::Revoke { key, reason, admin } => {
            let key_id = KeyId::of(&find(client, &own, &key).await?.public_key);
            ("revoke", cbor::encode(&Revoke { key_id, reason }), admin)
        }
        IdentityCommand::List { .. }
        | IdentityCommand::Show { .. }
        | IdentityCommand::Prove { .. } => return Ok(()),
    };
    let key = admin.key(target, &own)?;
    let answer = statement::submit(client, key, (governance::CONTRACT, method), args).await?;
    report(&answer, json)
}

fn report(answer: &TransactionAnswer, json: bool) -> anyhow::Result<()> {
    tx::committed(answer)?;
    if json {
        output::json(answer);
    } else {
        let (id, height) = (answer.id, answer.height.unwrap_or_default());
        output::line(format_args!("committed at height {height}: transaction {id}"));
    }
    Ok(())
}

/// A public key, and the signature by which its holder shows that she holds it.
struct Proven {
    public_key: [u8; 32],
    possession: [u8; 64],
}

impl Proven {
    /// `key`, for the member whose node has this status.
    fn of(key: &SigningKey, status: &NodeStatus) -> Proven {
        let public_key = key.public().to_bytes();
        let said = governance::key_possession(&status.channel, &status.member, &public_key);
        Proven { public_key, possession: key.sign(said.as_bytes()) }
    }
}

impl NewKey {
    /// The key; made now, into its file, if that was asked for.
    fn proven(&self, status: &NodeStatus) -> anyhow::Result<Proven> {
        if let Some(file) = &self.new_key {
            let key = SigningKey::from_seed(&keyfile::random());
            keyfile::create(file, &key.seed())?;
            return Ok(Proven::of(&key, status));
        }
        Ok(Proven {
            public_key: bytes(self.public_key.as_deref(), "public key")?,
            possession: bytes(self.proof.as_deref(), "proof")?,
        })
    }
}

fn bytes<const N: usize>(text: Option<&str>, what: &str) -> anyhow::Result<[u8; N]> {
    let (text, mut bytes) = (text.unwrap_or_default(), [0; N]);
    hex::decode_to_slice(text, &mut bytes).map_err(|_| {
        let hint = format!("write its {N} bytes as hex; `precinto identity prove` prints them");
        Failure::usage("invalid-key", format!("{text:?} is no {what}"), hint)
    })?;
    Ok(bytes)
}

fn prove(proven: &Proven, json: bool) {
    let (key, proof) = (hex::encode(proven.public_key), hex::encode(proven.possession));
    if json {
        output::json(&serde_json::json!({ "public_key": key, "proof": proof }));
    } else {
        output::line(format_args!("--public-key {key} --proof {proof}"));
    }
}

impl Admin {
    fn key(&self, target: &Target, member: &str) -> anyhow::Result<SigningKey> {
        match self.admin_key.clone().or_else(|| target.admin_key(member)) {
            Some(file) => keyfile::read_signing_key(&file),
            None => {
                let message = "the key of an admin must sign this";
                let hint = "name its file with --admin-key";
                Err(Failure::usage("no-admin-key", message, hint).into())
            }
        }
    }
}

async fn member_or_own(client: &Client, member: Option<String>) -> anyhow::Result<String> {
    match member {
        Some(member) => known_member(client, &member).await.map(|()| member),
        None => Ok(client.status().await?.member),
    }
}

/// Refuses what is no member of the network.
///
/// # Errors
/// With the members that may have been meant.
pub async fn known_member(client: &Client, member: &str) -> anyhow::Result<()> {
    let members = client.members().await?.members;
    if members.iter().any(|known| known.id == member) {
        return Ok(());
    }
    let known: Vec<&str> = members.iter().map(|known| known.id.as_str()).collect();
    let hint = suggest::hint(member, &known);
    Err(Failure::usage("unknown-member", format!("there is no member {member:?}"), hint).into())
}

/// All keys of a member, by id.
async fn identities(client: &Client, member: &str) -> anyhow::Result<Vec<Identity>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let query = IdentitiesQuery { member: member.to_owned(), after, limit: PAGE };
        let args = cbor::encode(&query);
        let local = Consistency::Local;
        let answer = client.query(governance::CONTRACT, "identities", &args, local).await?;
        let page: IdentityPage = cbor::decode(&answer.result)?;
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// The key of this id, or whose id alone begins so.
async fn find(client: &Client, member: &str, key: &str) -> anyhow::Result<Identity> {
    let failure = |what: &str| {
        let hint = format!("precinto identity list --member {member} shows all");
        Failure::failed("unknown-identity", format!("{what} key {key:?} of {member}"), hint)
    };
    if key.len() < MIN_PREFIX {
        return Err(failure("too short to name a").into());
    }
    let mut found = identities(client, member).await?;
    found.retain(|it| KeyId::of(&it.public_key).to_string().starts_with(&key.to_lowercase()));
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(failure("there is no").into()),
        _ => Err(failure("there is more than one").into()),
    }
}

async fn list(client: &Client, member: &str, json: bool) -> anyhow::Result<()> {
    let identities = identities(client, member).await?;
    let as_of = client.status().await?.as_of;
    if json {
        let shown: Vec<Shown> = identities.iter().map(shown).collect();
        output::json(&serde_json::json!({ "member": member, "identities": shown }));
        return Ok(());
    }
    let mut table = Table::new(["KEY", "ROLES", "FROM (UTC)", "UNTIL (UTC)", "STANDS"]);
    for identity in &identities {
        let shown = shown(identity);
        table.row([
            shown.key_id,
            shown.roles.join("+"),
            output::time(identity.valid_from_ms),
            output::time(identity.valid_until_ms),
            stands(identity, as_of.time_ms),
        ]);
    }
    output::table(&table);
    print_as_of(&as_of);
    Ok(())
}

fn show(identity: &Identity, now_ms: u64, json: bool) {
    let shown = shown(identity);
    if json {
        return output::json(&shown);
    }
    let mut table = Table::new(["KEY", &shown.key_id]);
    let rows = [
        ("member", shown.member),
        ("roles", shown.roles.join("+")),
        ("public key", shown.public_key),
        ("from (UTC)", output::time(identity.valid_from_ms)),
        ("until (UTC)", output::time(identity.valid_until_ms)),
        ("stands", stands(identity, now_ms)),
    ];
    for (name, value) in rows {
        table.row([name.to_owned(), value]);
    }
    output::table(&table);
}

fn shown(identity: &Identity) -> Shown {
    Shown {
        key_id: KeyId::of(&identity.public_key).to_string(),
        member: identity.member.clone(),
        roles: identity.roles.iter().map(|role| role.name()).collect(),
        public_key: hex::encode(identity.public_key),
        valid_from_ms: identity.valid_from_ms,
        valid_until_ms: identity.valid_until_ms,
        status: match identity.status {
            IdentityStatus::Active => "active",
            IdentityStatus::Revoked { .. } => "revoked",
        },
    }
}

/// How a key stands at a time, in words.
fn stands(identity: &Identity, now_ms: u64) -> String {
    let days = |from: u64, to: u64| to.saturating_sub(from) / DAY_MS;
    match &identity.status {
        IdentityStatus::Revoked { at_ms, .. } => {
            format!("revoked {} days ago", days(*at_ms, now_ms))
        }
        _ if now_ms >= identity.valid_until_ms => {
            format!("expired {} days ago", days(identity.valid_until_ms, now_ms))
        }
        _ if now_ms < identity.valid_from_ms => {
            format!("begins in {} days", days(now_ms, identity.valid_from_ms))
        }
        _ => format!("valid, {} days left", days(now_ms, identity.valid_until_ms)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_is_told_in_days() {
        let mut identity = Identity {
            public_key: [1; 32],
            member: "uy-dna".into(),
            roles: vec![Role::Officer],
            valid_from_ms: 10 * DAY_MS,
            valid_until_ms: 20 * DAY_MS,
            status: IdentityStatus::Active,
        };
        assert_eq!(stands(&identity, 8 * DAY_MS), "begins in 2 days");
        assert_eq!(stands(&identity, 10 * DAY_MS), "valid, 10 days left");
        assert_eq!(stands(&identity, 20 * DAY_MS), "expired 0 days ago");
        identity.status = IdentityStatus::Revoked { at_ms: 7 * DAY_MS };
        assert_eq!(stands(&identity, 10 * DAY_MS), "revoked 3 days ago");
    }
}
