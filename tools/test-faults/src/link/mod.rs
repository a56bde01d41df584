//! A TCP proxy whose faults a test controls.
//!
//! | fault | what the two sides see |
//! | --- | --- |
//! | [`stop`](Link::stop) | open connections end, and new ones are refused, as by a machine on which nothing listens |
//! | [`refuse`](Link::refuse) | open connections stay, and new ones are refused |
//! | [`freeze`](Link::freeze) | connections are accepted and stay open, and bytes in these directions wait |
//! | [`slow_down`](Link::slow_down) | each piece of data arrives later |
//! | [`cut`](Link::cut) | open connections are reset now; bytes that wait are lost |
//! | [`lose_next_answer`](Link::lose_next_answer) | the target gets the request, and its answer is lost with the connections |
//! | [`arm`](Link::arm) | as the last one, at a chosen byte in a chosen direction |
//!
//! [`mend`](Link::mend) ends all of them.

mod cut;
mod faults;
mod forward;
mod postgres;
mod target;

pub use self::cut::{Cut, Way};
pub use self::target::Target;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::faults::Shared;
use self::forward::serve;

/// A proxy. Dropping it closes it.
#[derive(Debug)]
pub struct Link {
    pub name: &'static str,
    pub address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Link {
    /// A link without a target yet.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn open(name: &'static str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let serving = tokio::spawn(serve(listener, address, Arc::clone(&shared)));
        Ok(Self {
            name,
            address,
            shared,
            serving,
        })
    }

    /// A link to the server of a PostgreSQL database, and the database's URL through it.
    ///
    /// # Errors
    /// `url` is not one of PostgreSQL, or there is no free port.
    pub async fn to_postgres(name: &'static str, url: &str) -> Result<(Self, String)> {
        let link = Self::open(name).await?;
        let (target, through) = postgres::redirect(url, link.address)?;
        link.lead_to(target);
        Ok((link, through))
    }

    pub fn lead_to(&self, target: Target) {
        self.shared.lead_to(target);
    }

    /// Ends open connections, and refuses new ones.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// Refuses new connections.
    pub fn refuse(&self) {
        self.shared.refuse();
    }

    /// Lets bytes in these directions wait, on open connections and on new ones.
    pub fn freeze(&self, ways: &[Way]) {
        self.shared.freeze(ways);
    }

    /// Delays each piece of data, in both directions.
    pub fn slow_down(&self, delay: Duration) {
        self.shared.slow_down(delay);
    }

    /// Resets all open connections; new ones are accepted.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Resets the byte counts, and cuts the link before the next byte from the target.
    pub fn lose_next_answer(&self) {
        self.arm(Some(Cut {
            way: Way::Back,
            after: 0,
            stays: false,
        }));
    }

    /// Resets the byte counts, and cuts the link at `cut`.
    pub fn arm(&self, cut: Option<Cut>) {
        self.shared.arm(cut);
    }

    /// Whether the armed cut has not happened yet.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.shared.is_armed()
    }

    /// Ends all faults: disarms the link, forwards bytes that wait, and accepts connections again.
    pub fn mend(&self) {
        self.shared.mend();
    }

    /// The bytes passed in both directions since the link was armed.
    #[must_use]
    pub fn passed(&self) -> [u64; 2] {
        self.shared.passed()
    }

    /// The number of connections that were accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.shared.accepted()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
