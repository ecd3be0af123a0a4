//! An id per request, so that an answer, a log line and a line of the audit trail can be joined.

use axum::http::{HeaderName, HeaderValue};

use crate::accounts::random_bytes;

/// Header of every answer.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// 64 random bits in hexadecimal. One that the client sent is ignored: it could be made to look
/// like another's.
#[derive(Clone)]
pub(crate) struct RequestId(pub(crate) String);

impl RequestId {
    /// A new id.
    pub(crate) fn new() -> RequestId {
        RequestId(hex::encode(random_bytes::<8>()))
    }

    /// The header that tells it.
    pub(crate) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("hexadecimal characters are a header's")
    }
}
