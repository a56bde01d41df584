//! The secrets of one system.

use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::token::Token;

const OF_TOKENS: &str = "the secret of the tokens of a test";
const OF_SERVICES: &str = "the secret of the services of a test";

/// The files with the secrets of a system with authentication. They are removed on drop.
#[derive(Debug)]
pub struct Secrets {
    folder: TempDir,
    tokens: String,
    services: String,
}

impl Secrets {
    /// # Errors
    /// The temporary folder cannot be written.
    pub fn create() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let tokens = file(folder.path(), "tokens", OF_TOKENS)?;
        let services = file(folder.path(), "services", OF_SERVICES)?;
        Ok(Self {
            folder,
            tokens,
            services,
        })
    }

    /// The path of a file in the same folder with this content.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn file(&self, name: &str, content: &str) -> Result<String> {
        file(self.folder.path(), name, content)
    }

    /// The settings of processes that authenticate by these secrets.
    #[must_use]
    pub fn settings(&self) -> [(&'static str, &str); 3] {
        let [auth, services] = self.service_settings();
        [auth, services, self.token_setting()]
    }

    /// Those of a process that takes no tokens of clients.
    #[must_use]
    pub fn service_settings(&self) -> [(&'static str, &str); 2] {
        [("AUTH", "jwt"), ("SERVICE_SECRET_FILE", &self.services)]
    }

    /// That of a process that takes tokens, or makes them.
    #[must_use]
    pub fn token_setting(&self) -> (&'static str, &str) {
        ("AUTH_JWT_SECRET_FILE", &self.tokens)
    }

    /// A valid `Authorization` of a client.
    #[must_use]
    pub fn authorization(&self, subject: &str, roles: &[&str]) -> String {
        self.authorization_of(&Token::of(subject, roles))
    }

    #[must_use]
    pub fn authorization_of(&self, token: &Token) -> String {
        format!("Bearer {}", token.signed_with(OF_TOKENS))
    }

    /// A valid `authorization` of a call of a service.
    #[must_use]
    pub fn signature(&self, subject: &str, roles: &[&str]) -> String {
        self.signature_of(&Token::of_call(subject, roles))
    }

    #[must_use]
    pub fn signature_of(&self, call: &Token) -> String {
        format!("Bearer {}", call.signed_with(OF_SERVICES))
    }
}

fn file(folder: &Path, name: &str, content: &str) -> Result<String> {
    let path = folder.join(name);
    std::fs::write(&path, content)?;
    let path = path.into_os_string().into_string().ok();
    path.context("the temporary folder's path is not text")
}
