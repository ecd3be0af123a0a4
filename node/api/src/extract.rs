//! Strict extractors: axum's own, with rejections turned into problem documents.

use axum::{
    Json,
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, Path, Query, Request,
        rejection::{BytesRejection, JsonRejection},
    },
    http::{StatusCode, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::{codes, error::ApiError};

/// A JSON body. Its types refuse unknown fields.
pub(crate) struct ApiJson<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Json::from_request(request, state).await {
            Ok(Json(value)) => Ok(ApiJson(value)),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                let detail = "expected Content-Type: application/json";
                Err(ApiError::new(codes::UNSUPPORTED_MEDIA_TYPE, detail))
            }
            Err(JsonRejection::BytesRejection(rejection)) => Err(bad_bytes(&rejection)),
            Err(other) => Err(ApiError::new(codes::MALFORMED_BODY, other.body_text())),
        }
    }
}

/// The body's bytes.
pub(crate) struct ApiBytes(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for ApiBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await;
        bytes.map(ApiBytes).map_err(|rejection| bad_bytes(&rejection))
    }
}

fn bad_bytes(rejection: &BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::new(codes::BODY_TOO_LARGE, "the body is larger than this endpoint takes")
    } else {
        ApiError::new(codes::MALFORMED_BODY, rejection.body_text())
    }
}

/// Parameters of the query string. Their types refuse unknown ones.
pub(crate) struct ApiQuery<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(ApiQuery(value)),
            Err(other) => Err(ApiError::new(codes::INVALID_PARAMETER, other.body_text())),
        }
    }
}

/// Parameters of the path.
pub(crate) struct ApiPath<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(ApiPath(value)),
            Err(other) => Err(ApiError::new(codes::INVALID_PARAMETER, other.body_text())),
        }
    }
}
