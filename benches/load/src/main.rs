//! Load generator: certifies operators on a running network and measures what was committed.
//!
//! Every transaction is signed beforehand, with the node's identity on behalf of an officer, so
//! that signing is not measured; each client then submits its share and waits until all of a
//! request is final. It is a closed loop: a slow network gets less load, which flatters latencies.
//! Run it on a network made for it: what it writes stays on the ledger.

use std::{
    collections::BTreeMap,
    io::{Write, stdout},
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use clap::Parser;
use precinto_client::{Client, types::Status};
use precinto_protocol::{
    aeo::{AeoType, CONTRACT, Certify, Date, SupplyChainRole, Terms},
    cbor,
    genesis::Genesis,
    hash::{Hash, tagged},
    identity::Role,
    keys::SigningKey,
    statement::{Call, OnBehalf, Statement},
    transaction::Transaction,
};

/// How long one request waits for its transactions to be final.
const WAIT: Duration = Duration::from_secs(30);

/// How long the signed transactions stay valid: less than the default limit of ten minutes.
const EXPIRES_AFTER_MS: u64 = 9 * 60 * 1000;

/// Measure committed transactions per second and latency.
#[derive(Debug, Parser)]
struct Args {
    /// Directory of the network
    #[arg(long, default_value = "network")]
    dir: PathBuf,
    /// Node that is asked
    #[arg(long, default_value_t = 1)]
    node: u64,
    /// Its address
    #[arg(long, default_value = "http://127.0.0.1:8701")]
    url: String,
    /// Clients that submit at the same time
    #[arg(long, default_value_t = 1)]
    clients: usize,
    /// Transactions per request
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// Transactions in all
    #[arg(long, default_value_t = 1000)]
    count: usize,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let transactions = Author::read(&args)?.transactions(args.count);
    let share = args.count.div_ceil(args.clients);
    let started = Instant::now();
    let mut clients = Vec::new();
    for part in transactions.chunks(share) {
        let requests: Vec<Vec<Vec<u8>>> = part.chunks(args.batch).map(<[_]>::to_vec).collect();
        clients.push(tokio::spawn(submit(client(&args)?, requests)));
    }
    let mut latencies = Vec::new();
    let mut outcomes = BTreeMap::new();
    for client in clients {
        let (took, statuses) = client.await??;
        latencies.extend(took);
        for status in statuses {
            *outcomes.entry(status).or_insert(0u64) += 1;
        }
    }
    report(&args, started.elapsed(), latencies, &outcomes)
}

fn client(args: &Args) -> anyhow::Result<Client> {
    let token = args.dir.join(format!("nodes/{}/tokens/officer", args.node));
    let token = std::fs::read_to_string(&token)
        .with_context(|| format!("cannot read {}: is --dir a network?", token.display()))?;
    Ok(Client::new(&args.url, token.trim())?)
}

async fn submit(
    client: Client,
    requests: Vec<Vec<Vec<u8>>>,
) -> anyhow::Result<(Vec<Duration>, Vec<String>)> {
    let (mut latencies, mut statuses) = (Vec::new(), Vec::new());
    for request in requests {
        let started = Instant::now();
        let answers = client.submit_many(request, Some(WAIT)).await?;
        latencies.push(started.elapsed());
        for answer in answers {
            statuses.push(match answer.into_result() {
                Ok(answer) => answer.status.to_string(),
                Err(problem) => problem.code,
            });
        }
    }
    Ok((latencies, statuses))
}

fn report(
    args: &Args,
    elapsed: Duration,
    mut latencies: Vec<Duration>,
    outcomes: &BTreeMap<String, u64>,
) -> anyhow::Result<()> {
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = (latencies.len() as f64 * share) as usize;
        latencies[index.min(latencies.len() - 1)].as_secs_f64() * 1000.0
    };
    let committed = outcomes.get(&Status::Committed.to_string()).copied().unwrap_or(0);
    writeln!(
        stdout(),
        "{} clients x {} per request: {committed} committed in {:.2} s = {:.0} tx/s; request p50 \
         {:.1} ms, p99 {:.1} ms, max {:.1} ms; {outcomes:?}",
        args.clients,
        args.batch,
        elapsed.as_secs_f64(),
        committed as f64 / elapsed.as_secs_f64(),
        at(0.5),
        at(0.99),
        at(1.0),
    )?;
    if committed as usize != args.count {
        bail!(
            "{} of {} transactions were not committed",
            args.count - committed as usize,
            args.count
        );
    }
    Ok(())
}

/// Who signs: a node, for an officer.
struct Author {
    key: SigningKey,
    channel: Hash,
    version: u32,
    now_ms: u64,
}

impl Author {
    fn read(args: &Args) -> anyhow::Result<Author> {
        let genesis = std::fs::read(args.dir.join("genesis.cbor"))?;
        let genesis: Genesis = cbor::decode(&genesis)?;
        let key = args.dir.join(format!("nodes/{}/keys/identity.key", args.node));
        let mut seed = [0; 32];
        if hex::decode_to_slice(std::fs::read_to_string(key)?.trim(), &mut seed).is_err() {
            bail!("identity.key is no key file");
        }
        let contract = genesis.contracts.iter().find(|contract| contract.name == CONTRACT);
        Ok(Author {
            key: SigningKey::from_seed(&seed),
            channel: genesis.hash(),
            version: contract.context("the network has no aeo contract")?.version,
            now_ms: SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64,
        })
    }

    /// Signed and encoded certifications of operators nobody has certified before.
    fn transactions(&self, count: usize) -> Vec<Vec<u8>> {
        (0..count as u64).map(|number| self.transaction(number)).collect()
    }

    fn transaction(&self, number: u64) -> Vec<u8> {
        let unique = [self.now_ms.to_be_bytes(), number.to_be_bytes()].concat();
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&unique);
        let today = Date::of_ms(self.now_ms);
        let args = Certify {
            operator: tagged("precinto/load", &[&unique]),
            // Unlike any of another run: a member uses a number once.
            number: format!("L{}-{number}", self.now_ms / 1000 % 10_000_000_000),
            valid_from: today,
            terms: Terms {
                types: vec![AeoType::C],
                roles: vec![SupplyChainRole::Importer],
                valid_until: Some(Date(today.0 + 365)),
                consent: true,
                identifier: None,
                record: None,
            },
        };
        let call = Call {
            channel: self.channel,
            contract: CONTRACT.into(),
            contract_version: self.version,
            method: "certify".into(),
            args: cbor::encode(&args),
            nonce,
            expires_ms: self.now_ms + EXPIRES_AFTER_MS,
            on_behalf: Some(OnBehalf { pseudonym: [1; 16], role: Role::Officer }),
        };
        Transaction::new(Statement::sign(call, &self.key)).encode()
    }
}
