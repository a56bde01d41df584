//! The components in the gateway's `/health`: the two services that it calls.
//!
//! Neither makes the gateway unready: without the write side it still serves queries, and without the read side commands.
//! The keys `database`, `cache` and `grpc` are older than the keys of the services; they repeat what the services report,
//! and are `unknown` where one reports nothing.

use std::time::Duration;

use platform::health::{Component, ComponentState};
use platform::{Health, Tasks};

use super::health::{Service, ServiceHealth, ServiceReport};
use super::services::Services;

/// The interval of the health checks.
const INTERVAL: Duration = Duration::from_secs(1);

struct Components {
    command_service: Component,
    query_service: Component,
    database: Component,
    cache: Component,
    grpc: Component,
}

/// Registers the components with a first result, and starts the periodic checks.
pub(crate) async fn start(services: Services, health: &Health, tasks: &Tasks) {
    let parts = Components {
        command_service: health.component("command_service"),
        query_service: health.component("query_service"),
        database: health.component("database"),
        cache: health.component("cache"),
        grpc: health.component("grpc"),
    };
    parts.ask(&services).await;
    let stopping = tasks.stopping();
    tasks.spawn("health of the services", async move {
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => parts.ask(&services).await,
            }
        }
    });
}

impl Components {
    async fn ask(&self, services: &Services) {
        let (command, query) = tokio::join!(
            services.report_of(Service::Command),
            services.report_of(Service::Query),
        );
        self.command_service.set(&service(command));
        self.query_service.set(&service(query));
        let databases = [command.database, query.database];
        self.database.set(&repeated(&databases, "connected"));
        self.cache.set(&repeated(&[query.cache], "connected"));
        let ready = [command.ready, query.ready];
        self.grpc.set(&repeated(&ready, "serving"));
    }
}

fn service(report: ServiceReport) -> ComponentState {
    match (report.ready, report.all_parts) {
        (ServiceHealth::Unreachable, _) => ComponentState::impaired("unreachable"),
        (ServiceHealth::NotServing, _) => ComponentState::impaired("not ready"),
        (ServiceHealth::Serving, ServiceHealth::NotServing) => ComponentState::impaired("impaired"),
        // An older service does not report on all its components, so `all_parts` is unreachable.
        (ServiceHealth::Serving, ServiceHealth::Serving | ServiceHealth::Unreachable) => {
            ComponentState::up("serving")
        }
    }
}

/// The worst of the reports. They only report that a component does not serve, not why: a database that can be read but not
/// written is not disconnected, hence the neutral text.
fn repeated(reports: &[ServiceHealth], up: &'static str) -> ComponentState {
    if reports.contains(&ServiceHealth::NotServing) {
        ComponentState::impaired("not serving")
    } else if reports.contains(&ServiceHealth::Unreachable) {
        // The component of the unreachable service is impaired already.
        ComponentState::up("unknown")
    } else {
        ComponentState::up(up)
    }
}

#[cfg(test)]
mod tests {
    use super::{ServiceHealth, ServiceReport, repeated, service};
    use ServiceHealth::{NotServing, Serving, Unreachable};

    fn report(ready: ServiceHealth, all_parts: ServiceHealth) -> ServiceReport {
        ServiceReport {
            ready,
            all_parts,
            ..ServiceReport::UNREACHABLE
        }
    }

    #[test]
    fn no_state_of_a_service_makes_the_gateway_unready() {
        for (ready, all_parts, status, is_up) in [
            (Serving, Serving, "serving", true),
            (Serving, Unreachable, "serving", true),
            (Serving, NotServing, "impaired", false),
            (NotServing, NotServing, "not ready", false),
            (Unreachable, Unreachable, "unreachable", false),
        ] {
            let state = service(report(ready, all_parts));
            assert_eq!(
                (&*state.status, state.up, state.ready),
                (status, is_up, true)
            );
        }
    }

    #[test]
    fn an_old_key_repeats_the_worst_report_and_is_unknown_without_one() {
        for (reports, status) in [
            ([Serving, Serving], "connected"),
            ([Serving, NotServing], "not serving"),
            ([Unreachable, NotServing], "not serving"),
            ([Unreachable, Serving], "unknown"),
        ] {
            let state = repeated(&reports, "connected");
            assert_eq!((&*state.status, state.ready), (status, true));
        }
    }
}
