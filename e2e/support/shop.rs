//! A running system with its own databases.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use contract::proto::AdminStatusParam;
use contract::proto::admin_client::AdminClient;
use test_postgres::{Cluster, TestDatabase};
use test_shop::{Binaries, Folder, Layout, Store, System};
use tokio::sync::OnceCell;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use super::session::Session;

/// The processes and databases of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    OneProcess,
    /// Three services on PostgreSQL, with this number of processes each.
    Services {
        each: usize,
    },
    /// The same, on a server that no other test uses and that can be stopped.
    OnOwnServer {
        each: usize,
    },
}

impl Topology {
    /// One of each service.
    pub const THREE_PROCESSES: Self = Self::Services { each: 1 };
}

/// A running system. Its data are removed with it.
#[derive(Debug)]
pub struct Shop {
    pub system: System,
    data: Data,
}

#[expect(dead_code, reason = "some are held for their Drop")]
#[derive(Debug)]
enum Data {
    Folder(Folder),
    Databases([TestDatabase; 3]),
    Server(Box<Cluster>),
    /// The data belong to the caller.
    Elsewhere,
}

/// Whether `E2E_LONG` asks for the long version of tests that have one.
pub fn long() -> bool {
    std::env::var_os("E2E_LONG").is_some_and(|value| value != "0")
}

/// The binaries, which are built once.
pub async fn binaries() -> Result<&'static Binaries> {
    static BUILT: OnceCell<Result<Binaries>> = OnceCell::const_new();
    let built = BUILT.get_or_init(async || tokio::task::spawn_blocking(Binaries::build).await?);
    built.await.as_ref().map_err(|error| anyhow!("{error:#}"))
}

/// Starts a system, runs `journey` on it, and stops it, in which every process must exit cleanly. If the journey fails, the
/// logs are printed.
pub async fn on(
    topology: Topology,
    journey: impl AsyncFnOnce(&mut Shop) -> Result<()>,
) -> Result<()> {
    on_with(topology, &[], journey).await
}

/// Like [`on`], with more settings for every process.
pub async fn on_with(
    topology: Topology,
    settings: &[(&str, &str)],
    journey: impl AsyncFnOnce(&mut Shop) -> Result<()>,
) -> Result<()> {
    let shop = Shop::start(topology, settings).await?;
    through(shop, topology.to_string(), journey).await
}

/// Like [`on`], as one process with its data in a folder of the caller.
pub async fn on_folder(
    data: &Path,
    settings: &[(&str, &str)],
    journey: impl AsyncFnOnce(&mut Shop) -> Result<()>,
) -> Result<()> {
    let folder = data.to_str().context("the folder's name is not UTF-8")?;
    let store = Store::Sqlite {
        folder: folder.to_owned(),
    };
    let system = System::start_with(binaries().await?, store, Layout { each: 1 }, settings).await?;
    let data = Data::Elsewhere;
    through(
        Shop { system, data },
        format!("one process in {folder}"),
        journey,
    )
    .await
}

async fn through(
    mut shop: Shop,
    name: String,
    journey: impl AsyncFnOnce(&mut Shop) -> Result<()>,
) -> Result<()> {
    let outcome = journey(&mut shop).await;
    if outcome.is_err() {
        eprintln!("{}", shop.system.logs());
    }
    outcome.context(name)?;
    shop.system.stop().await
}

impl Shop {
    /// Starts a system on fresh databases.
    async fn start(topology: Topology, settings: &[(&str, &str)]) -> Result<Self> {
        let binaries = binaries().await?;
        let (store, data, each) = match topology {
            Topology::OneProcess => {
                let folder = Folder::create()?;
                let path = folder.path().join("data");
                let folder_name = path.to_str().context("the folder's name is not UTF-8")?;
                let store = Store::Sqlite {
                    folder: folder_name.to_owned(),
                };
                (store, Data::Folder(folder), 1)
            }
            Topology::Services { each } => {
                let databases = [
                    test_postgres::database().await,
                    test_postgres::database().await,
                    test_postgres::database().await,
                ];
                let store = on_postgres(&databases);
                (store, Data::Databases(databases), each)
            }
            Topology::OnOwnServer { each } => {
                let server = Cluster::start().await;
                let databases = [
                    server.database().await,
                    server.database().await,
                    server.database().await,
                ];
                let store = on_postgres(&databases);
                (store, Data::Server(Box::new(server)), each)
            }
        };
        let system = System::start_with(binaries, store, Layout { each }, settings).await?;
        Ok(Self { system, data })
    }

    /// The PostgreSQL server that only this system uses.
    pub fn server(&self) -> Result<&Cluster> {
        match &self.data {
            Data::Server(server) => Ok(server),
            Data::Folder(_) | Data::Databases(_) | Data::Elsewhere => {
                bail!("it shares its server with other tests")
            }
        }
    }

    /// A client of the first gateway.
    pub fn session(&self) -> Result<Session> {
        self.session_on(0)
    }

    /// A client of gateway number `index`.
    pub fn session_on(&self, index: usize) -> Result<Session> {
        Ok(Session::new(self.system.gateway(index)?))
    }

    /// A gRPC channel to the write side.
    pub async fn command_channel(&self) -> Result<Channel> {
        channel(self.system.command_grpc(0)?.to_string()).await
    }

    /// A gRPC channel to the read side.
    pub async fn query_channel(&self) -> Result<Channel> {
        channel(self.system.query_grpc(0)?.to_string()).await
    }

    /// The position of the last event.
    pub async fn head(&self) -> Result<i64> {
        self.head_by(Request::new(AdminStatusParam {})).await
    }

    /// The position of the last event, asked for in a call with this signature.
    pub async fn head_for(&self, signature: &str) -> Result<i64> {
        let mut request = Request::new(AdminStatusParam {});
        let metadata = request.metadata_mut();
        metadata.insert("authorization", signature.parse()?);
        self.head_by(request).await
    }

    async fn head_by(&self, request: Request<AdminStatusParam>) -> Result<i64> {
        let mut admin = AdminClient::new(self.command_channel().await?);
        Ok(admin.status(request).await?.into_inner().head)
    }
}

fn on_postgres(databases: &[TestDatabase; 3]) -> Store {
    let [events, command, query] = databases.each_ref().map(|one| one.url.clone());
    Store::Postgres {
        events,
        command,
        query,
    }
}

async fn channel(address: String) -> Result<Channel> {
    Ok(Endpoint::from_shared(format!("http://{address}"))?
        .connect()
        .await?)
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneProcess => f.write_str("one process on SQLite"),
            Self::Services { each } => write!(f, "{each} of each service on PostgreSQL"),
            Self::OnOwnServer { each } => {
                write!(
                    f,
                    "{each} of each service on a PostgreSQL server of their own"
                )
            }
        }
    }
}
