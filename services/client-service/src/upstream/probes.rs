//! The components in the gateway's `/health`: the two services that it calls.
//!
//! Neither makes the gateway unready: without the write side it still serves queries, and without the read side commands.
//! The keys `database`, `cache` and `grpc` are older than the keys of the services; they repeat what the services report,
//! and are `unknown` where one reports nothing.

use std::time::Duration;

use grpc_calls::BreakerState;
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
        for (part, breaker, report) in [
            (&self.command_service, &services.breakers().command, command),
            (&self.query_service, &services.breakers().query, query),
        ] {
            if report.ready == ServiceHealth::Serving {
                breaker.seen_serving();
            }
            part.set(&service(report, breaker.state()));
        }
        let databases = [command.database, query.database];
        self.database.set(&repeated(&databases, "connected"));
        self.cache.set(&repeated(&[query.cache], "connected"));
        let ready = [command.ready, query.ready];
        self.grpc.set(&repeated(&ready, "serving"));
    }
}

fn service(report: ServiceReport, breaker: BreakerState) -> ComponentState {
    if breaker != BreakerState::Closed && report.ready == ServiceHealth::Serving {
        // It says that it serves, but its answers did not arrive.
        return ComponentState::impaired("calls suspended");
    }
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
    use super::{BreakerState, ServiceHealth, ServiceReport, repeated, service};
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
            let state = service(report(ready, all_parts), BreakerState::Closed);
            assert_eq!(
                (&*state.status, state.up, state.ready),
                (status, is_up, true)
            );
        }
    }

    #[test]
    fn a_service_whose_calls_are_suspended_is_impaired_although_it_says_that_it_serves() {
        for breaker in [BreakerState::Open, BreakerState::HalfOpen] {
            let state = service(report(Serving, Serving), breaker);
            assert_eq!((&*state.status, state.up), ("calls suspended", false));
            let state = service(report(Unreachable, Unreachable), breaker);
            assert_eq!(&*state.status, "unreachable");
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
