//! An id per request, so that an answer, a log line and a line of the audit trail can be joined.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};

use crate::accounts::random_bytes;

/// Header of every answer.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// 64 random bits in hexadecimal.
#[derive(Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Gives the request an id and tells it in the answer. One that the client sent is ignored: it
/// could be made to look like another's.
pub(crate) async fn identify(mut request: Request, next: Next) -> Response {
    let id = hex::encode(random_bytes::<8>());
    let value = HeaderValue::from_str(&id).expect("hexadecimal characters are a header's");
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;
    response.headers_mut().insert(HEADER, value);
    response
}
