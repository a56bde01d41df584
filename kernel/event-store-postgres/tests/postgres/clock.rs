//! A process with a wrong clock uses the server's time.

use std::time::Duration;

use chrono::TimeDelta;
use event_sourcing::{Clock, EventStore, LeaseStore, SteadyClock};
use event_store_postgres::{PostgresEventStore, Settings};

use crate::support::connect;

/// The difference that a slow answer may leave.
const TOLERANCE: TimeDelta = TimeDelta::seconds(2);

/// The server's time minus the clock's.
async fn error_of(clock: &SteadyClock, url: &str) -> TimeDelta {
    let mut connection = connect(url).await;
    let time: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(&mut connection)
        .await
        .expect("the server's time");
    time - clock.now()
}

fn set(clock: &SteadyClock, by: TimeDelta) {
    clock.synchronize(clock.now() + by, clock.uptime());
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_at_start_by_each_read_of_the_head_and_by_leases() {
    let database = test_postgres::database().await;
    let clock = SteadyClock::start();
    for hours in [-25, 25] {
        set(&clock, TimeDelta::hours(hours));
        assert!(error_of(&clock, &database.url).await.abs() > TimeDelta::hours(24));
        let settings = Settings {
            clock: clock.clone(),
            // No reads but those of the test.
            poll_interval: Duration::from_hours(1),
            ..Settings::default()
        };
        let store = PostgresEventStore::connect(&database.url, settings).await;
        let store = store.expect("a store");
        assert!(
            error_of(&clock, &database.url).await.abs() < TOLERANCE,
            "start"
        );

        set(&clock, TimeDelta::minutes(10 * hours.signum()));
        store.head().await.expect("a head");
        assert!(
            error_of(&clock, &database.url).await.abs() < TOLERANCE,
            "head"
        );

        let (names, ttl) = (["a".into()], Duration::from_secs(9));
        set(&clock, TimeDelta::hours(hours));
        store
            .acquire_leases(&names, "me", ttl, None)
            .await
            .expect("a lease");
        assert!(
            error_of(&clock, &database.url).await.abs() < TOLERANCE,
            "acquired"
        );
        set(&clock, TimeDelta::hours(hours));
        store.renew_leases("me", ttl).await.expect("a lease");
        assert!(
            error_of(&clock, &database.url).await.abs() < TOLERANCE,
            "renewed"
        );
        store.close().await;
    }
}
