//! The client: one method per endpoint.

use std::time::Duration;

use minicbor::bytes::ByteVec;
use precinto_protocol::{
    cbor,
    transaction::{Transaction, TransactionId},
};
use reqwest::{
    Method, RequestBuilder, Response, Url,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{ClientError, Problem},
    types::{
        BlockDetail, BlocksAnswer, CheckpointsAnswer, ContractsAnswer, ItemAnswer, MembersAnswer,
        NodeStatus, NodesAnswer, QueryAnswer, Readiness, SubmitAnswer, TransactionAnswer,
    },
};

/// How long to wait for a connection: a node is near or away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a response may pause: longer than the node's own deadline (35 s) and than three of the
/// keep-alive comments of an event stream (15 s each).
const READ_TIMEOUT: Duration = Duration::from_secs(50);

/// How fresh an answer must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Consistency {
    /// The node's applied state, however old.
    #[default]
    Local,
    /// Not older than the request: confirmed with a quorum.
    Linearizable,
}

/// A client of one node. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: HeaderValue,
}

impl std::fmt::Debug for Client {
    /// Leaves the token out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.base)
    }
}

impl Client {
    /// A client of the node at `base_url` (`http://127.0.0.1:7201`), as the account of `token`.
    ///
    /// # Errors
    /// If either is malformed. Nothing is sent.
    pub fn new(base_url: &str, token: &str) -> Result<Client, ClientError> {
        let base: Url = base_url.parse().map_err(|_| ClientError::BaseUrl(base_url.into()))?;
        if base.cannot_be_a_base() || !base.has_host() {
            return Err(ClientError::BaseUrl(base_url.into()));
        }
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ClientError::Token)?;
        authorization.set_sensitive(true);
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build()?;
        Ok(Client { http, base, authorization })
    }

    /// Submits a transaction; with `wait`, answers once its status is final or the time is up.
    ///
    /// # Errors
    /// If it was not accepted. A rejection by the contract is no error here but a status.
    pub async fn submit(
        &self,
        transaction: &Transaction,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        self.submit_encoded(transaction.encode(), wait).await
    }

    /// Submits one encoded transaction, as it is.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub async fn submit_encoded(
        &self,
        transaction: Vec<u8>,
        wait: Option<Duration>,
    ) -> Result<TransactionAnswer, ClientError> {
        let request = self.request(Method::POST, &["v1", "transactions"]).query(&wait_params(wait));
        let request = request.header(CONTENT_TYPE, "application/octet-stream").body(transaction);
        answer(request).await
    }

    /// Submits up to 1000 encoded transactions in one request: one result each, in order.
    ///
    /// # Errors
    /// If the request as a whole was refused.
    pub async fn submit_many(
        &self,
        transactions: Vec<Vec<u8>>,
        wait: Option<Duration>,
    ) -> Result<Vec<ItemAnswer>, ClientError> {
        let items: Vec<ByteVec> = transactions.into_iter().map(ByteVec::from).collect();
        let request = self.request(Method::POST, &["v1", "transactions"]).query(&wait_params(wait));
        let request = request.header(CONTENT_TYPE, "application/cbor").body(cbor::encode(&items));
        let answer: SubmitAnswer = answer(request).await?;
        Ok(answer.results)
    }

    /// What the node knows of a transaction.
    ///
    /// # Errors
    /// See [`ClientError`]. A transaction the node has never seen is a status.
    pub async fn transaction(&self, id: TransactionId) -> Result<TransactionAnswer, ClientError> {
        self.get(&["v1", "transactions", &id.to_string()], &()).await
    }

    /// The same, once its status is final or `timeout` (at most 30 s) has passed.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn wait(
        &self,
        id: TransactionId,
        timeout: Duration,
    ) -> Result<TransactionAnswer, ClientError> {
        self.get(&["v1", "transactions", &id.to_string()], &wait_params(Some(timeout))).await
    }

    /// Runs a query of any contract with encoded arguments.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn query(
        &self,
        contract: &str,
        method: &str,
        args: &[u8],
        consistency: Consistency,
    ) -> Result<QueryAnswer, ClientError> {
        #[derive(Serialize)]
        struct Form<'a> {
            contract: &'a str,
            method: &'a str,
            args: String,
            consistency: Consistency,
        }
        let form = Form { contract, method, args: hex::encode(args), consistency };
        self.post(&["v1", "query"], None, &form).await
    }

    /// The active contracts.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn contracts(&self) -> Result<ContractsAnswer, ClientError> {
        self.get(&["v1", "contracts"], &()).await
    }

    /// The channel's members.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn members(&self) -> Result<MembersAnswer, ClientError> {
        self.get(&["v1", "members"], &()).await
    }

    /// The channel's nodes, as this one sees them.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn nodes(&self) -> Result<NodesAnswer, ClientError> {
        self.get(&["v1", "nodes"], &()).await
    }

    /// The node now.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn status(&self) -> Result<NodeStatus, ClientError> {
        self.get(&["v1", "status"], &()).await
    }

    /// Whether the node can serve, and if not, why.
    ///
    /// # Errors
    /// If it does not answer at all.
    pub async fn readiness(&self) -> Result<Readiness, ClientError> {
        let response = self.request(Method::GET, &["readyz"]).send().await?;
        decode(response).await
    }

    /// Up to `limit` blocks (at most 100) from height `from` on; without `from`, the newest.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn blocks(
        &self,
        from: Option<u64>,
        limit: Option<u32>,
    ) -> Result<BlocksAnswer, ClientError> {
        self.get(&["v1", "blocks"], &[("from", from), ("limit", limit.map(u64::from))]).await
    }

    /// One block with its executed transactions.
    ///
    /// # Errors
    /// `unknown-block` if the node does not have it.
    pub async fn block(&self, height: u64) -> Result<BlockDetail, ClientError> {
        self.get(&["v1", "blocks", &height.to_string()], &()).await
    }

    /// The newest checkpoint of each node.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn checkpoints(&self) -> Result<CheckpointsAnswer, ClientError> {
        self.get(&["v1", "checkpoints"], &()).await
    }

    /// The node's newest checkpoint as a signed note.
    ///
    /// # Errors
    /// `no-checkpoint` before the first.
    pub async fn checkpoint(&self) -> Result<String, ClientError> {
        let response = self.request(Method::GET, &["v1", "checkpoint"]).send().await?;
        Ok(accepted(response).await?.text().await?)
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &(impl Serialize + ?Sized),
    ) -> Result<T, ClientError> {
        answer(self.request(Method::GET, path).query(query)).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        wait: Option<Duration>,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        answer(self.request(Method::POST, path).query(&wait_params(wait)).json(body)).await
    }

    /// A request for the path of these segments, which are percent-encoded.
    pub(crate) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("the constructor refuses URLs that cannot be a base")
            .pop_if_empty()
            .extend(path);
        self.http.request(method, url).header("authorization", self.authorization.clone())
    }
}

fn wait_params(wait: Option<Duration>) -> Vec<(&'static str, String)> {
    wait.map_or_else(Vec::new, |limit| {
        vec![("wait", "committed".to_owned()), ("timeout_ms", limit.as_millis().to_string())]
    })
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ClientError> {
    decode(accepted(request.send().await?).await?).await
}

/// The response, unless it is a problem.
pub(crate) async fn accepted(response: Response) -> Result<Response, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    let body = response.bytes().await?;
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => Err(Box::new(Problem { retry_after, ..problem }).into()),
        Err(error) => Err(ClientError::Unexpected {
            status: status.as_u16(),
            reason: format!("not a problem document: {error}"),
        }),
    }
}

async fn decode<T: DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    let status = response.status().as_u16();
    let body = response.bytes().await?;
    serde_json::from_slice(&body)
        .map_err(|error| ClientError::Unexpected { status, reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_segments_are_encoded_and_the_base_path_is_kept() {
        let client = Client::new("http://node.example/uy/", "t").unwrap();
        let request = client.request(Method::GET, &["v1", "a b/c?"]).build().unwrap();
        assert_eq!(request.url().as_str(), "http://node.example/uy/v1/a%20b%2Fc%3F");
    }

    #[test]
    fn bad_addresses_and_tokens_are_refused_before_anything_is_sent() {
        for bad in ["", "node", "mailto:x@y", "http://"] {
            assert!(matches!(Client::new(bad, "t"), Err(ClientError::BaseUrl(_))), "{bad}");
        }
        assert!(matches!(Client::new("http://n", "a\nb"), Err(ClientError::Token)));
    }
}
