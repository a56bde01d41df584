//! How the two services say they are.

use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::Services;

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The write side.
    Command,
    /// The read side.
    Query,
}

/// What a service says of itself or of one of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceHealth {
    /// It works.
    Serving,
    /// It says that it does not.
    NotServing,
    /// It says nothing.
    Unreachable,
}

impl Services {
    /// Asks a service about one of its parts; `""` is all of it.
    pub(crate) async fn health_of(&self, service: Service, part: &str) -> ServiceHealth {
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
