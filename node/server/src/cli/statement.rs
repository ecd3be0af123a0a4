//! Calls that the user's own key signs, not the node on an officer's behalf.

use precinto_client::{Client, NewCall, Signer, types::TransactionAnswer};
use precinto_protocol::keys::SigningKey;

use super::WAIT;
use crate::keyfile;

/// Half of the time that the channel lets a transaction wait at most, by default.
const EXPIRES_AFTER_MS: u64 = 5 * 60 * 1000;

/// Signs a call of (contract, method) with `key`, submits it and waits for it.
///
/// # Errors
/// If it was not accepted. That it was executed and refused is a status.
pub async fn submit(
    client: &Client,
    key: SigningKey,
    (contract, method): (&str, &str),
    args: Vec<u8>,
) -> anyhow::Result<TransactionAnswer> {
    let status = client.status().await?;
    let contracts = client.contracts().await?.contracts;
    let version = contracts.iter().find(|known| known.name == contract).map(|it| it.version);
    let transaction = Signer::new(key, status.channel).sign(NewCall {
        contract: contract.to_owned(),
        // An unknown contract is refused by the node, which tells more.
        contract_version: version.unwrap_or(1),
        method: method.to_owned(),
        args,
        nonce: keyfile::random(),
        expires_ms: status.as_of.time_ms + EXPIRES_AFTER_MS,
    });
    Ok(client.submit(&transaction, Some(WAIT)).await?)
}
