//! How PostgreSQL's own programs, such as `pg_dump`, connect to the server that a URL names.
//!
//! They get everything in their environment: arguments are visible to all users of a machine, and the environment of a process
//! to its own user only.

use std::ffi::OsString;

use event_sourcing::StoreError;
use percent_encoding::percent_decode_str;
use sqlx::postgres::PgSslMode;
use url::Url;

use super::options;
use crate::error::failed;

/// The variables that `libpq` reads, for the server, the database and the user of `url`. What the URL does not state, such as a
/// password that is in `~/.pgpass`, is left to the environment of this process.
///
/// # Errors
/// [`StoreError`]: the URL is not a valid PostgreSQL URL, or a file that TLS needs cannot be read.
pub fn environment(url: &str) -> Result<Vec<(&'static str, OsString)>, StoreError> {
    const OPERATION: &str = "read the URL of the database";
    let resolved = options(url).map_err(|error| failed(OPERATION, error))?;
    let url = Url::parse(url).map_err(|error| failed(OPERATION, error))?;
    let host = match resolved.get_socket() {
        Some(folder) => folder.clone().into_os_string(),
        None => resolved.get_host().into(),
    };
    let mut variables = vec![
        ("PGHOST", host),
        ("PGPORT", resolved.get_port().to_string().into()),
        ("PGUSER", resolved.get_username().into()),
        ("PGSSLMODE", mode(resolved.get_ssl_mode()).into()),
    ];
    let database = resolved.get_database().unwrap_or(resolved.get_username());
    variables.push(("PGDATABASE", database.into()));
    if let Some(password) = password(&url) {
        variables.push(("PGPASSWORD", password.into()));
    }
    if let Some(options) = resolved.get_options() {
        variables.push(("PGOPTIONS", options.into()));
    }
    for (parameter, variable) in [
        ("sslrootcert", "PGSSLROOTCERT"),
        ("sslcert", "PGSSLCERT"),
        ("sslkey", "PGSSLKEY"),
    ] {
        let given = url.query_pairs().filter(|(name, _)| name == parameter);
        if let Some((_, value)) = given.last() {
            variables.push((variable, value.into_owned().into()));
        }
    }
    Ok(variables)
}

/// The last one that the URL states, as the driver takes it.
fn password(url: &Url) -> Option<String> {
    let parameter = url.query_pairs().filter(|(name, _)| name == "password");
    if let Some((_, value)) = parameter.last() {
        return Some(value.into_owned());
    }
    let text = percent_decode_str(url.password()?).decode_utf8_lossy();
    Some(text.into_owned())
}

fn mode(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

#[cfg(test)]
mod tests {
    use super::environment;

    fn variable(url: &str, name: &str) -> Option<String> {
        let variables = environment(url).expect("a valid URL");
        let found = variables.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.into_string().expect("UTF-8"))
    }

    #[test]
    fn every_part_of_a_url_becomes_a_variable() {
        let url = "postgres://me:p%2Bw+&%3D%C3%BC@db.test:6432/shop?sslmode=require&options[search_path]=shop_a";
        for (name, value) in [
            ("PGHOST", "db.test"),
            ("PGPORT", "6432"),
            ("PGUSER", "me"),
            ("PGPASSWORD", "p+w+&=ü"),
            ("PGDATABASE", "shop"),
            ("PGSSLMODE", "require"),
            ("PGOPTIONS", "-c search_path=shop_a"),
        ] {
            assert_eq!(variable(url, name).as_deref(), Some(value), "{name}");
        }
        let socket = "postgres://me@localhost/db?host=/run/postgresql&password=a";
        assert_eq!(
            variable(socket, "PGHOST").as_deref(),
            Some("/run/postgresql")
        );
        assert_eq!(variable(socket, "PGPASSWORD").as_deref(), Some("a"));
        assert_eq!(variable("postgres://me@h/db", "PGPASSWORD"), None);
        let brackets = variable("postgres://me@[::1]/db", "PGHOST");
        assert_eq!(brackets.as_deref(), Some("::1"));
    }
}
