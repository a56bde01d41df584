//! A data folder belongs to one process.

use anyhow::{Result, bail, ensure};
use test_shop::{Process, Start, Store};

use crate::support::{Shop, Topology, binaries, on};

#[tokio::test]
async fn a_second_start_on_a_data_folder_exits_with_1_and_names_the_first_process() -> Result<()> {
    on(Topology::OneProcess, async |shop: &mut Shop| {
        let Store::Sqlite { folder } = shop.system.store() else {
            bail!("not on SQLite");
        };
        let listeners = [
            "CLIENT_HTTP_ADDR",
            "COMMAND_GRPC_ADDR",
            "COMMAND_METRICS_ADDR",
            "QUERY_GRPC_ADDR",
            "QUERY_METRICS_ADDR",
        ];
        let start = Start::listening(&listeners).with([("DATA_DIR", folder)]);
        let (status, log) = Process::run(binaries().await?.path("shop")?, &start).await?;
        assert_eq!(status.code(), Some(1), "{log}");
        let (_, first) = shop.system.processes().next().expect("one process");
        ensure!(
            log.contains(&first.id().to_string()),
            "the log does not name the first process:\n{log}"
        );
        // The first process is not affected.
        shop.session()?.create_category("Still here").await?;
        Ok(())
    })
    .await
}
