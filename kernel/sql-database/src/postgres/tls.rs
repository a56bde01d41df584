//! Checks the files that TLS needs. The driver opens them while it connects, and its error names neither the file nor
//! its parameter; it silently ignores a root certificate that the mode does not use.

use std::io;
use std::path::PathBuf;

use sqlx::postgres::PgSslMode;
use url::Url;

/// The parameters that name a file, with the driver's aliases and the environment variable that is the default.
const FILES: [(&str, &[&str], &str); 3] = [
    ("sslrootcert", &["ssl-root-cert", "ssl-ca"], "PGSSLROOTCERT"),
    ("sslcert", &["ssl-cert"], "PGSSLCERT"),
    ("sslkey", &["ssl-key"], "PGSSLKEY"),
];

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
enum TlsError {
    #[error("TLS: the file {path:?} that {name} names cannot be read")]
    File {
        name: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "TLS: sslrootcert is for sslmode=verify-ca and sslmode=verify-full; without them the server's certificate is \
         not checked"
    )]
    UnusedRoot,
}

impl From<TlsError> for sqlx::Error {
    fn from(error: TlsError) -> Self {
        Self::Configuration(Box::new(error))
    }
}

/// Rejects a URL with a file that cannot be read, or with a root certificate that would not be used.
pub(super) fn check(url: &str, mode: PgSslMode) -> Result<(), sqlx::Error> {
    let url = Url::parse(url).map_err(|error| sqlx::Error::Configuration(Box::new(error)))?;
    let verifies = matches!(mode, PgSslMode::VerifyCa | PgSslMode::VerifyFull);
    for (name, others, variable) in FILES {
        let is_it = |given: &str| given == name || others.contains(&given);
        let given = url.query_pairs().filter(|(given, _)| is_it(given));
        let in_url = given.last().map(|(_, value)| value.into_owned());
        if in_url.is_some() && name == "sslrootcert" && !verifies {
            return Err(TlsError::UnusedRoot.into());
        }
        let (name, value) = match in_url {
            Some(value) => (name, value),
            None => match std::env::var(variable) {
                Ok(value) => (variable, value),
                Err(_) => continue,
            },
        };
        // The value may be the certificate itself.
        if value.trim().starts_with("-----BEGIN") || matches!(mode, PgSslMode::Disable) {
            continue;
        }
        let path = PathBuf::from(value);
        std::fs::read(&path).map_err(|source| TlsError::File { name, path, source })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::options;

    fn open_error(url: &str) -> String {
        options(url).expect_err("no TLS").to_string()
    }

    #[test]
    fn a_missing_file_is_reported_with_its_parameter() {
        for name in ["sslrootcert", "sslcert", "sslkey"] {
            let url = format!("postgres://h/db?sslmode=verify-full&{name}=/no/such/file.pem");
            let message = open_error(&url);
            let expected = format!("TLS: the file \"/no/such/file.pem\" that {name} names");
            assert!(message.contains(&expected), "{message}");
        }
    }

    #[test]
    fn an_unused_root_certificate_is_rejected() {
        for mode in ["", "sslmode=prefer&", "sslmode=require&"] {
            let message = open_error(&format!("postgres://h/db?{mode}sslrootcert=/etc/root.pem"));
            assert!(message.contains("sslmode=verify-full"), "{message}");
        }
    }
}
