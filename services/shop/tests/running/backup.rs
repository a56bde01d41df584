//! `shop backup` and `shop restore`: what they print, and what they reject.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Mutex;

use anyhow::{Context, Result};
use serde_json::Value;
use sha2::{Digest, Sha256};
use test_shop::{Folder, Process};

use crate::documents::Stage;
use crate::golden::check;
use crate::support::{LISTENERS, SHOP, printed, rejected, shop_as, stocked};

/// A folder with the data of a shop, and one for backups.
pub struct Place {
    folder: Folder,
}

impl Place {
    pub fn new() -> Result<Self> {
        let folder = Folder::create()?;
        fs::create_dir(folder.path().join("data"))?;
        Ok(Self { folder })
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn backup(&self) -> PathBuf {
        self.folder.path().join("backup")
    }

    pub async fn open(&self) -> Result<Process> {
        let start = test_shop::Start {
            arguments: vec!["--data-dir".to_owned(), self.data().display().to_string()],
            listeners: LISTENERS.to_vec(),
            ..test_shop::Start::default()
        };
        Process::serve(Path::new(SHOP), &start).await
    }

    /// Runs a command of the shop in this folder.
    fn run(&self, command: &str, folder_flag: &str, rest: &[&str]) -> Output {
        let (data, backup) = (self.data(), self.backup());
        let (data, backup) = (data.display().to_string(), backup.display().to_string());
        let all = [&[command, folder_flag, &backup, "--data-dir", &data], rest].concat();
        shop_as(&all, &path())
    }

    pub fn take(&self, rest: &[&str]) -> Output {
        self.run("backup", "--to", rest)
    }

    pub fn restore(&self, rest: &[&str]) -> Output {
        self.run("restore", "--from", rest)
    }

    /// The text with the folder replaced, and numbers of sizes too.
    fn shape(&self, text: &str) -> String {
        let text = text.replace(&self.folder.path().display().to_string(), "FOLDER");
        let mut lines = Vec::new();
        for line in text.lines() {
            let line = line.split(".replaced-").next().unwrap_or_default();
            let is_size = line.contains(" kB, ");
            lines.push(if is_size {
                line.chars().filter(|c| !c.is_ascii_digit()).collect()
            } else {
                line.to_owned()
            });
        }
        lines.join("\n")
    }
}

/// Where the programs of PostgreSQL may be.
pub fn path() -> [(&'static str, &'static str); 1] {
    static PATH: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    [(
        "PATH",
        PATH.get_or_init(|| std::env::var("PATH").unwrap_or_default()),
    )]
}

#[tokio::test]
async fn a_backup_of_a_running_shop_is_restored_into_an_empty_folder_and_over_data() -> Result<()> {
    let place = Place::new()?;
    let mut running = place.open().await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    check("backup.txt", &place.shape(&printed(&place.take(&[]))));
    running.terminate().await?;

    check(
        "restore-replace.txt",
        &place.shape(&printed(&place.restore(&["--replace"]))),
    );
    fs::remove_dir_all(place.data())?;
    let restored = printed(&place.restore(&["--output", "json"]));
    let restored: Value = serde_json::from_str(&restored)?;
    let manifest = fs::read_to_string(place.backup().join("manifest.json"))?;
    let manifest: Value = serde_json::from_str(&manifest)?;
    assert_eq!(restored["log"], manifest["log"]);
    assert_eq!(restored["replaced"], Value::Array(Vec::new()));
    let running = place.open().await?;
    let products = "{ productStatistics { totalCount } }";
    let shown = test_shop::until("the read models", async || {
        let gateway = running.address("CLIENT_HTTP_ADDR")?;
        test_shop::Operation::new(products).data(gateway).await
    })
    .await?;
    assert_eq!(shown["productStatistics"]["totalCount"], 1);
    Ok(())
}

#[tokio::test]
async fn the_commands_about_backups_print_what_the_document_shows() -> Result<()> {
    let place = Place::new()?;
    let running = place.open().await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    let data = place.data().display().to_string();
    let folder = place.folder.path().display().to_string();
    let [backup, hourly, restored] =
        ["backup", "hourly", "restored"].map(|name| format!("{folder}/{name}"));
    let names = [
        ("/srv/backups/monday", backup.as_str()),
        ("/srv/backups/$(date -u +%Y%m%dT%H%M%SZ)", &hourly),
        ("/tmp/restored", &restored),
        ("./data", &data),
    ];
    let run = |arguments: &[&str]| {
        // A command with a folder of its own has it last.
        let with_data = [&arguments[..1], &["--data-dir", &data], &arguments[1..]].concat();
        let is_elsewhere = arguments.contains(&"--data-dir");
        shop_as(if is_elsewhere { arguments } else { &with_data }, &path())
    };
    let stage = Stage {
        run: &run,
        names: &names,
    };
    let running = Mutex::new(Some(running));
    let settle = async |command: &str| {
        let stopped = running
            .lock()
            .expect("one task")
            .take_if(|_| command.contains("restore"));
        if let Some(mut stopped) = stopped {
            stopped.terminate().await?;
        }
        Ok(())
    };
    stage
        .run_page("operations/backup-and-restore.md", settle)
        .await
}

#[tokio::test]
async fn a_backup_needs_an_empty_folder_and_a_database() -> Result<()> {
    let place = Place::new()?;
    let error = rejected(&place.take(&[]), 1);
    assert!(error.contains("event_store.db does not exist"), "{error}");
    assert_eq!(
        fs::read_dir(place.backup())?.count(),
        0,
        "a failed backup leaves nothing"
    );
    let mut running = place.open().await?;
    running.terminate().await?;
    printed(&place.take(&[]));
    let error = rejected(&place.take(&[]), 1);
    assert!(error.contains("backup is not empty"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_restore_next_to_a_running_shop_or_over_data_is_rejected() -> Result<()> {
    let place = Place::new()?;
    let mut running = place.open().await?;
    printed(&place.take(&[]));
    let error = rejected(&place.restore(&["--replace"]), 1);
    let expected = format!("is in use by process {}", running.id());
    assert!(error.contains(&expected), "{error}");
    running.terminate().await?;
    let error = rejected(&place.restore(&[]), 1);
    assert!(
        error.contains("event_store.db has data; --replace moves it aside"),
        "{error}"
    );
    // A shell of an operator.
    let path = place.data().join("command_service.db");
    let database = format!("sqlite://{}", path.display());
    let mut shell = <sqlx::SqliteConnection as sqlx::Connection>::connect(&database).await?;
    sqlx::query("SELECT count(*) FROM write_probe")
        .execute(&mut shell)
        .await?;
    let error = rejected(&place.restore(&["--replace"]), 1);
    assert!(error.contains("another process uses"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_damaged_or_unfinished_backup_is_rejected_and_nothing_is_changed() -> Result<()> {
    let place = Place::new()?;
    let mut running = place.open().await?;
    running.terminate().await?;
    printed(&place.take(&[]));
    fs::remove_dir_all(place.data())?;
    let file = place.backup().join("event_store.db");
    let intact = fs::read(&file)?;
    let reject = |expected: &str| {
        let error = rejected(&place.restore(&[]), 1);
        assert!(error.contains(expected), "{expected} is not in {error}");
        assert!(!place.data().exists());
    };

    let mut flipped = intact.clone();
    *flipped.last_mut().context("a file")? ^= 1;
    fs::write(&file, &flipped)?;
    reject("event_store.db is damaged: its SHA-256 is ");
    fs::write(&file, &intact[1..])?;
    reject("event_store.db is damaged: it has ");
    fs::remove_file(&file)?;
    reject("cannot read ");
    fs::write(&file, &intact)?;

    let manifest = place.backup().join("manifest.json");
    let text = fs::read_to_string(&manifest)?;
    for (changed, expected) in [
        (
            text.replace("\"format\": 1", "\"format\": 9"),
            "has format 9, this program reads format 1",
        ),
        (
            text.replace("event_store.db", "../event_store.db"),
            "names the file \"../event_store.db\"",
        ),
        (text.replace('}', ""), "manifest.json is damaged"),
    ] {
        fs::write(&manifest, changed)?;
        reject(expected);
    }
    fs::remove_file(&manifest)?;
    reject("manifest.json does not exist: the folder is no backup, or one that was not finished");
    Ok(())
}

#[tokio::test]
async fn a_restored_log_that_is_not_the_manifests_is_rejected() -> Result<()> {
    let place = Place::new()?;
    let mut running = place.open().await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    running.terminate().await?;
    printed(&place.take(&[]));
    let manifest = place.backup().join("manifest.json");
    let text = fs::read_to_string(&manifest)?;
    let mut changed: Value = serde_json::from_str(&text)?;
    changed["log"]["position"] = Value::from(4_711);
    fs::write(&manifest, changed.to_string())?;
    let before = fs::read(place.data().join("event_store.db"))?;
    let error = rejected(&place.restore(&["--replace"]), 1);
    assert!(error.contains("which ends at 4711"), "{error}");
    assert_eq!(fs::read(place.data().join("event_store.db"))?, before);
    let left = fs::read_dir(place.data())?.filter_map(Result::ok);
    let left = left.filter(|file| file.file_name().to_string_lossy().contains("restoring"));
    assert_eq!(left.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_log_without_one_of_its_events_is_rejected() -> Result<()> {
    let place = Place::new()?;
    let mut running = place.open().await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    running.terminate().await?;
    printed(&place.take(&[]));
    let file = place.backup().join("event_store.db");
    let url = format!("sqlite://{}", file.display());
    let mut connection = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await?;
    sqlx::query("DELETE FROM events WHERE id = 1")
        .execute(&mut connection)
        .await?;
    sqlx::Connection::close(connection).await?;
    // The checksum of the copy without the event.
    let manifest = place.backup().join("manifest.json");
    let mut changed: Value = serde_json::from_str(&fs::read_to_string(&manifest)?)?;
    let bytes = fs::read(&file)?;
    let mut sum = String::new();
    for byte in Sha256::digest(&bytes) {
        write!(sum, "{byte:02x}")?;
    }
    changed["eventStore"]["sha256"] = Value::from(sum);
    changed["eventStore"]["bytes"] = Value::from(bytes.len());
    fs::write(&manifest, changed.to_string())?;
    let error = rejected(&place.restore(&["--replace"]), 1);
    assert!(error.contains("missingPosition at 1"), "{error}");
    Ok(())
}

#[tokio::test]
async fn databases_on_a_server_are_restored_into_their_schema() -> Result<()> {
    let database = test_postgres::database().await;
    let folder = Folder::create()?;
    let in_schema = |schema: &str| {
        let mark = if database.url.contains('?') { '&' } else { '?' };
        format!("{}{mark}options[search_path]={schema}", database.url)
    };
    let execute = async |sql: &'static str| -> Result<()> {
        let mut connection =
            <sqlx::PgConnection as sqlx::Connection>::connect(&database.url).await?;
        sqlx::raw_sql(sql).execute(&mut connection).await?;
        Ok(sqlx::Connection::close(connection).await?)
    };
    execute("CREATE SCHEMA \"Shop-a\"; CREATE SCHEMA command_a; CREATE SCHEMA read_a").await?;
    let urls = [
        ("EVENT_STORE_URL", in_schema("%22Shop-a%22")),
        ("COMMAND_DATABASE_URL", in_schema("command_a")),
        ("QUERY_DATABASE_URL", in_schema("read_a")),
    ];
    let settings: Vec<(&str, &str)> = urls
        .iter()
        .map(|(name, url)| (*name, url.as_str()))
        .collect();
    let settings = [&settings[..], &path()].concat();
    let start = || test_shop::Start {
        listeners: LISTENERS.to_vec(),
        ..test_shop::Start::default().with(settings.iter().copied())
    };
    let mut running = Process::serve(Path::new(SHOP), &start()).await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    let backup = folder.path().join("backup").display().to_string();
    let data = folder.path().join("data").display().to_string();
    let run = |arguments: &[&str]| shop_as(arguments, &settings);
    printed(&run(&["backup", "--to", &backup]));

    let error = rejected(&run(&["restore", "--from", &backup, "--replace"]), 1);
    assert!(error.contains("is connected from"), "{error}");
    running.terminate().await?;
    let error = rejected(&run(&["restore", "--from", &backup]), 1);
    assert!(error.contains("the schema Shop-a has"), "{error}");
    printed(&run(&["restore", "--from", &backup, "--replace"]));
    execute("DROP SCHEMA \"Shop-a\" CASCADE; DROP SCHEMA command_a CASCADE").await?;
    let error = rejected(&run(&["restore", "--from", &backup]), 1);
    assert!(
        error.contains("the URL selects none that exists"),
        "{error}"
    );
    execute("CREATE SCHEMA \"Shop-a\"; CREATE SCHEMA command_a").await?;
    printed(&run(&["restore", "--from", &backup]));

    let mut running = Process::serve(Path::new(SHOP), &start()).await?;
    running.terminate().await?;
    let error = rejected(
        &shop_as(
            &["restore", "--from", &backup, "--data-dir", &data],
            &path(),
        ),
        1,
    );
    assert!(
        error.contains("the backup is of PostgreSQL, EVENT_STORE_URL names a database on SQLite"),
        "{error}"
    );
    Ok(())
}

/// The tables of all three in one schema.
#[tokio::test]
async fn one_database_for_everything_is_dumped_once() -> Result<()> {
    let (folder, database) = (Folder::create()?, test_postgres::database().await);
    let urls = [
        "EVENT_STORE_URL",
        "COMMAND_DATABASE_URL",
        "QUERY_DATABASE_URL",
    ];
    let urls = urls.map(|name| (name, database.url.as_str()));
    let settings = [&urls[..], &path()[..]].concat();
    let start = || test_shop::Start {
        listeners: LISTENERS.to_vec(),
        ..test_shop::Start::default().with(settings.iter().copied())
    };
    let mut running = Process::serve(Path::new(SHOP), &start()).await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    let backup = folder.path().join("backup");
    let shown = backup.display().to_string();
    printed(&shop_as(&["backup", "--to", &shown], &settings));
    running.terminate().await?;
    assert_eq!(fs::read_dir(&backup)?.count(), 2, "a dump and the manifest");
    let restore = ["restore", "--replace", "--from", &shown];
    printed(&shop_as(&restore, &settings));
    let running = Process::serve(Path::new(SHOP), &start()).await?;
    let products = "{ productStatistics { totalCount } }";
    let found = test_shop::until("the read models", async || {
        let gateway = running.address("CLIENT_HTTP_ADDR")?;
        test_shop::Operation::new(products).data(gateway).await
    })
    .await?;
    assert_eq!(found["productStatistics"]["totalCount"], 1);
    drop(running);

    let elsewhere = test_postgres::database().await;
    let two = [("COMMAND_DATABASE_URL", elsewhere.url.as_str())];
    let two = [&settings[..], &two].concat();
    let error = rejected(&shop_as(&restore, &two), 1);
    assert!(
        error.contains("in one database, the settings name two"),
        "{error}"
    );
    Ok(())
}

/// The event store on a server, the command database in a file.
#[tokio::test]
async fn databases_on_different_engines_are_backed_up_together() -> Result<()> {
    let (place, database) = (Place::new()?, test_postgres::database().await);
    let settings = [&[("EVENT_STORE_URL", database.url.as_str())], &path()[..]].concat();
    let start = || test_shop::Start {
        arguments: vec!["--data-dir".to_owned(), place.data().display().to_string()],
        listeners: LISTENERS.to_vec(),
        ..test_shop::Start::default().with(settings.iter().copied())
    };
    let mut running = Process::serve(Path::new(SHOP), &start()).await?;
    stocked(&running, "Sencha", "19.90", 100).await?;
    let (data, backup) = (place.data(), place.backup());
    let (data, backup) = (data.display().to_string(), backup.display().to_string());
    let run = |command: &[&str]| {
        shop_as(
            &[command, &[&backup, "--data-dir", &data]].concat(),
            &settings,
        )
    };
    printed(&run(&["backup", "--to"]));
    running.terminate().await?;
    printed(&run(&["restore", "--replace", "--from"]));
    let mut files: Vec<String> = fs::read_dir(place.backup())?
        .map(|file| Ok(file?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    files.sort();
    assert_eq!(
        files,
        ["command_service.db", "event_store.dump", "manifest.json"]
    );
    Process::serve(Path::new(SHOP), &start()).await?;
    Ok(())
}

#[tokio::test]
async fn a_missing_program_of_postgres_is_reported() -> Result<()> {
    let database = test_postgres::database().await;
    let folder = Folder::create()?;
    let empty = folder.path().display().to_string();
    let backup = folder.path().join("backup").display().to_string();
    let urls = [
        ("EVENT_STORE_URL", database.url.as_str()),
        ("COMMAND_DATABASE_URL", database.url.as_str()),
    ];
    let output = shop_as(&["backup", "--to", &backup, "--pg-bin", &empty], &urls);
    let error = rejected(&output, 1);
    assert!(error.contains("pg_dump is not in PATH"), "{error}");
    Ok(())
}
