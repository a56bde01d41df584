//! The files of GraphiQL, which are not part of this repository.
//!
//! `cargo xtask graphiql` downloads them from npm into a folder of the user. A file is served if it is the one whose digest is
//! stated here, so that nothing else runs in a browser as the gateway's own page, not even another version.

use std::io;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::etag;
use crate::hex::hex;

/// The version of npm's `@graphql-yoga/render-graphiql`, which contains GraphiQL 5.
const VERSION: &str = "5.24.1";

pub const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
pub const CSS: &str = "text/css; charset=utf-8";

/// A file, with the SHA-256 of its content.
struct File {
    name: &'static str,
    content_type: &'static str,
    digest: &'static str,
}

const FILES: [File; 5] = [
    File {
        name: "graphiql.js",
        content_type: JAVASCRIPT,
        digest: "49d5da0a2f78b554ac556687a8aafd26367eacbec1007d766c44c075995d00d7",
    },
    File {
        name: "graphiql.css",
        content_type: CSS,
        digest: "57be8cb9e50eecfcee37207bef0b066685a213073e0dac74b7cf8a5581d2bc58",
    },
    File {
        name: "editor.worker.js",
        content_type: JAVASCRIPT,
        digest: "a7e7ffcdd2a883e1535f18f0c4933aa469e7e49650a76a0e5295386e208daf40",
    },
    File {
        name: "graphql.worker.js",
        content_type: JAVASCRIPT,
        digest: "f5b5f7edafe2f2c15e1cc0a2647fa9f2fc137bc2a8eadafb1cc4ff245b038e09",
    },
    File {
        name: "json.worker.js",
        content_type: JAVASCRIPT,
        digest: "56ef608bc2800ff8ffe7ca166933a5c3358fa3507efc30e995495ebc7393e33e",
    },
];

/// Why a folder cannot be served.
#[derive(Debug, Error)]
pub enum GraphiqlError {
    #[error("{} cannot be read: {cause}; `cargo xtask graphiql` writes it", path.display())]
    Missing { path: PathBuf, cause: io::Error },
    #[error(
        "{} is not that of @graphql-yoga/render-graphiql {VERSION}; `cargo xtask graphiql` writes it",
        path.display()
    )]
    Other { path: PathBuf },
}

/// The folder with the files.
#[derive(Clone, Debug, Default)]
pub struct GraphiqlFolder(Option<PathBuf>);

impl GraphiqlFolder {
    /// The folder that `cargo xtask graphiql` writes, which need not exist: the user's cache folder.
    #[must_use]
    pub fn of_user() -> Self {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.filter(|folder| folder.is_absolute());
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
        let folder = |cache: PathBuf| cache.join(format!("rust-cqrs/graphiql-{VERSION}"));
        Self(cache.or_else(home).map(folder))
    }

    /// A folder that must have all files.
    ///
    /// # Errors
    /// A file is missing, or has another content.
    pub fn open(folder: &Path) -> Result<Self, GraphiqlError> {
        for file in &FILES {
            file.read(folder)?;
        }
        Ok(Self(Some(folder.to_owned())))
    }

    /// Whether there is a file with each name.
    pub async fn is_complete(&self) -> bool {
        let Some(folder) = self.0.clone() else {
            return false;
        };
        let found = tokio::task::spawn_blocking(move || {
            FILES.iter().all(|file| folder.join(file.name).is_file())
        });
        found.await.unwrap_or(false)
    }

    /// The response to a request for one of the files; `None` if it is not there.
    pub async fn serve(&self, name: &str, request: &HeaderMap) -> Option<Response> {
        let file = FILES.iter().find(|file| file.name == name)?;
        let folder = self.0.clone()?;
        let tag = etag::of_digest(file.digest);
        if etag::matches(request, &tag) {
            return Some(etag::conditional(Response::default(), tag, request));
        }
        let read = tokio::task::spawn_blocking(move || file.read(&folder)).await;
        match read {
            Ok(Ok(content)) => {
                let content_type = HeaderValue::from_static(file.content_type);
                let headers = [(header::CONTENT_TYPE, content_type)];
                let response = (headers, Body::from(content)).into_response();
                Some(etag::conditional(response, tag, request))
            }
            Ok(Err(error)) => {
                tracing::warn!("a file of GraphiQL is not served: {error}");
                None
            }
            Err(_) => Some(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        }
    }
}

impl File {
    fn read(&self, folder: &Path) -> Result<Vec<u8>, GraphiqlError> {
        let path = folder.join(self.name);
        match std::fs::read(&path) {
            Err(cause) => Err(GraphiqlError::Missing { path, cause }),
            Ok(content) if hex(&Sha256::digest(&content)) == self.digest => Ok(content),
            Ok(_) => Err(GraphiqlError::Other { path }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_is_downloaded() {
        let locked = include_str!("../../../../tools/graphiql/package-lock.json");
        assert!(locked.contains(&format!("\"version\": \"{VERSION}\"")));
    }

    #[tokio::test]
    async fn a_folder_without_the_files_is_not_served() {
        let nowhere = Path::new("/nonexistent");
        let error = GraphiqlFolder::open(nowhere).expect_err("it is opened");
        let shown = error.to_string();
        assert!(shown.contains("/nonexistent/graphiql.js"), "{shown}");
        assert!(shown.contains("cargo xtask graphiql"), "{shown}");
        for folder in [
            GraphiqlFolder::default(),
            GraphiqlFolder(Some(nowhere.to_owned())),
        ] {
            assert!(!folder.is_complete().await);
            for name in ["graphiql.js", "../secret"] {
                let response = folder.serve(name, &HeaderMap::new()).await;
                assert!(response.is_none(), "{name}");
            }
        }
    }
}
