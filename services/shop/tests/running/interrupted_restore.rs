//! A restore that was not completed, and backups of a damaged log.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use sqlx::{Connection, PgConnection, SqliteConnection};
use test_postgres::TestDatabase;
use test_shop::{Folder, Process, Start};

use crate::backup::{Place, path};
use crate::support::{LISTENERS, SHOP, printed, rejected, shop_as, stocked};

const INCOMPLETE: &str = "a restore of the event store was not completed";

#[tokio::test]
async fn no_shop_starts_on_files_of_an_incomplete_restore() -> Result<()> {
    let place = Place::new()?;
    let mut running = place.open().await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    printed(&place.take(&[]));
    running.terminate().await?;
    // As a restore leaves it that is killed between the two files.
    fs::write(place.data().join("event_store.db.restore"), "")?;
    fs::remove_file(place.data().join("command_service.db"))?;
    let data = place.data().display().to_string();
    let error = rejected(&shop_as(&["migrate", "--data-dir", &data], &[]), 1);
    assert!(error.contains(INCOMPLETE), "{error}");
    let doctor = shop_as(&["doctor", "--data-dir", &data], &[]);
    let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert_eq!(doctor.status.code(), Some(1), "{found}");
    assert!(found.contains("event store: restore"), "{found}");
    printed(&place.restore(&["--replace"]));
    assert!(!place.data().join("event_store.db.restore").exists());
    place.open().await?.terminate().await?;
    Ok(())
}

#[tokio::test]
async fn a_rejected_restore_leaves_no_mark() -> Result<()> {
    let place = Place::new()?;
    let mut running = place.open().await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    printed(&place.take(&[]));
    running.terminate().await?;
    rejected(&place.restore(&[]), 1);
    place.open().await?.terminate().await?;
    Ok(())
}

/// Two databases on a server, with a shop on them.
struct Server {
    databases: [TestDatabase; 2],
    folder: Folder,
}

impl Server {
    fn settings<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let [events, command] = &self.databases;
        let urls = [
            ("EVENT_STORE_URL", events.url.as_str()),
            ("COMMAND_DATABASE_URL", command.url.as_str()),
            ("QUERY_DATABASE_URL", command.url.as_str()),
        ];
        [&urls, &path()[..], more].concat()
    }

    async fn open(&self) -> Result<Process> {
        let start = Start {
            listeners: LISTENERS.to_vec(),
            ..Start::default().with(self.settings(&[]))
        };
        Process::serve(Path::new(SHOP), &start).await
    }

    fn backup(&self) -> String {
        self.folder.path().join("backup").display().to_string()
    }

    /// A folder with the programs of PostgreSQL, whose `pg_restore` fails from its second restore on.
    fn failing_programs(&self) -> Result<PathBuf> {
        let folder = self.folder.path().join("bin");
        fs::create_dir(&folder)?;
        let script = format!(
            "#!/bin/sh
if [ \"$1\" != --version ] && [ \"$1\" != --list ]; then
  [ -e {0}/done ] && exit 1
  touch {0}/done
fi
real=$(command -v pg_restore || ls /usr/lib/postgresql/*/bin/pg_restore | tail -n 1)
exec \"$real\" \"$@\"
",
            folder.display()
        );
        let program = folder.join("pg_restore");
        fs::write(&program, script)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        Ok(folder)
    }
}

#[tokio::test]
async fn no_shop_starts_on_a_server_of_an_incomplete_restore() -> Result<()> {
    let server = Server {
        databases: [
            test_postgres::database().await,
            test_postgres::database().await,
        ],
        folder: Folder::create()?,
    };
    let mut running = server.open().await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    // Variables that would lead PostgreSQL's programs elsewhere.
    let elsewhere = [("PGHOSTADDR", "192.0.2.1"), ("PGSERVICE", "nowhere")];
    let backup = server.backup();
    let settings = server.settings(&elsewhere);
    printed(&shop_as(&["backup", "--to", &backup], &settings));
    running.terminate().await?;
    let restore = ["restore", "--from", &backup, "--replace"];
    let programs = server.failing_programs()?.display().to_string();
    let failing = [&restore[..], &["--pg-bin", &programs]].concat();
    let error = rejected(&shop_as(&failing, &settings), 1);
    assert!(error.contains("restore the command database"), "{error}");
    let error = rejected(&shop_as(&["migrate"], &server.settings(&[])), 1);
    assert!(error.contains(INCOMPLETE), "{error}");
    printed(&shop_as(&restore, &settings));
    server.open().await?.terminate().await?;
    let mut events = PgConnection::connect(&server.databases[0].url).await?;
    let mark: (Option<String>,) = sqlx::query_as("SELECT to_regclass('restore_under_way')::text")
        .fetch_one(&mut events)
        .await?;
    assert_eq!(mark, (None,));
    Ok(())
}

#[tokio::test]
async fn a_damaged_log_fails_the_backup_unless_that_is_accepted() -> Result<()> {
    let place = Place::new()?;
    let mut running = place.open().await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    running.terminate().await?;
    let file = place.data().join("event_store.db");
    let mut events = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await?;
    sqlx::query("DELETE FROM events WHERE id = 1")
        .execute(&mut events)
        .await?;
    events.close().await?;
    let error = rejected(&place.take(&[]), 1);
    assert!(error.contains("missingPosition at 1"), "{error}");
    assert_eq!(fs::read_dir(place.backup())?.count(), 0);
    printed(&place.take(&["--accept-damage"]));
    let error = rejected(&place.restore(&["--replace"]), 1);
    assert!(error.contains("missingPosition at 1"), "{error}");
    printed(&place.restore(&["--replace", "--accept-damage"]));
    Ok(())
}
