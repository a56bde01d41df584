//! How the two services say they are.

use std::time::Duration;

use platform::health::ALL_PARTS;
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::services::Services;

/// The longest that a service may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Command,
    Query,
}

/// What a service says of itself or of one of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceHealth {
    Serving,
    /// It says that it does not.
    NotServing,
    Unreachable,
}

/// All that the gateway asks a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceReport {
    /// Whether it can serve.
    pub ready: ServiceHealth,
    /// Whether all its parts work.
    pub all_parts: ServiceHealth,
    /// Whether it reaches its database.
    pub database: ServiceHealth,
    /// Whether its cache works; the write side has none.
    pub cache: ServiceHealth,
}

impl ServiceReport {
    pub const UNREACHABLE: Self = Self {
        ready: ServiceHealth::Unreachable,
        all_parts: ServiceHealth::Unreachable,
        database: ServiceHealth::Unreachable,
        cache: ServiceHealth::Unreachable,
    };
}

impl Services {
    /// Asks a service how it is.
    pub(crate) async fn report_of(&self, service: Service) -> ServiceReport {
        let asked = async {
            let (ready, all_parts, database, cache) = tokio::join!(
                self.health_of(service, ""),
                self.health_of(service, ALL_PARTS),
                self.health_of(service, "database"),
                async {
                    match service {
                        Service::Command => ServiceHealth::Unreachable,
                        Service::Query => self.health_of(service, "cache").await,
                    }
                },
            );
            ServiceReport {
                ready,
                all_parts,
                database,
                cache,
            }
        };
        tokio::time::timeout(ANSWER_TIMEOUT, asked)
            .await
            .unwrap_or(ServiceReport::UNREACHABLE)
    }

    /// Asks a service about one of its parts; `""` is all of it.
    async fn health_of(&self, service: Service, part: &str) -> ServiceHealth {
        let channel = match service {
            Service::Command => self.channels().command.clone(),
            Service::Query => self.channels().query.clone(),
        };
        let request = Request::new(HealthCheckRequest {
            service: part.to_owned(),
        });
        match HealthClient::new(channel).check(request).await {
            Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => {
                ServiceHealth::Serving
            }
            Ok(_) => ServiceHealth::NotServing,
            Err(_) => ServiceHealth::Unreachable,
        }
    }
}
