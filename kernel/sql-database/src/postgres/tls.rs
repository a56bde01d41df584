//! The files that TLS needs. The driver opens them while it connects, and its error names neither the file nor what it is
//! for; a root certificate that the mode does not use it ignores.

use std::io;
use std::path::PathBuf;

use sqlx::postgres::PgSslMode;
use url::Url;

/// The parameters that name a file, with the driver's other names for them and the variable that stands in.
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

/// Refuses a URL with a file that cannot be read, and a root certificate that would not be used.
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
        // A certificate itself may stand there.
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

    fn refused(url: &str) -> String {
        options(url).expect_err("no TLS").to_string()
    }

    #[test]
    fn a_file_that_is_not_there_is_named_with_what_it_is_for() {
        for name in ["sslrootcert", "sslcert", "sslkey"] {
            let url = format!("postgres://h/db?sslmode=verify-full&{name}=/no/such/file.pem");
            let told = refused(&url);
            let expected = format!("TLS: the file \"/no/such/file.pem\" that {name} names");
            assert!(told.contains(&expected), "{told}");
        }
    }

    #[test]
    fn a_root_certificate_that_would_not_be_used_is_refused() {
        for mode in ["", "sslmode=prefer&", "sslmode=require&"] {
            let told = refused(&format!("postgres://h/db?{mode}sslrootcert=/etc/root.pem"));
            assert!(told.contains("sslmode=verify-full"), "{told}");
        }
    }
}
