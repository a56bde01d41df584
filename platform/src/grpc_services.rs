//! The gRPC services of a process, in one list: all of them are served, and covered by reflection and health.

use std::convert::Infallible;

use axum::response::IntoResponse;
use http::Request;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::pb::health_server::HealthServer;
use tonic_reflection::server::Builder;
use tower::Service;

use crate::health::{Health, HealthService, grpc_service};
use crate::runtime::StartError;

/// The services added so far.
#[derive(Debug, Default)]
pub struct GrpcServices {
    routes: RoutesBuilder,
    names: Vec<&'static str>,
}

impl GrpcServices {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a service under its name in the contract.
    #[must_use]
    pub fn with<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible, Response: IntoResponse, Future: Send>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.names.push(S::NAME);
        self.routes.add_service(service);
        self
    }

    /// The routes of all services, with health and reflection. `descriptors` is the whole contract; reflection only
    /// lists the services of this process.
    ///
    /// # Errors
    /// The descriptors cannot be read, which is a bug.
    pub fn routes(
        mut self,
        health: Health,
        descriptors: &'static [u8],
    ) -> Result<Routes, StartError> {
        let unreadable = |error| StartError::failed("read the built-in descriptors", error);
        let reflection = || {
            let names = self.names.iter().copied();
            names.chain([HealthServer::<HealthService>::NAME]).fold(
                Builder::configure()
                    .register_encoded_file_descriptor_set(descriptors)
                    .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET),
                Builder::with_service_name,
            )
        };
        let v1 = reflection().build_v1().map_err(unreadable)?;
        let v1alpha = reflection().build_v1alpha().map_err(unreadable)?;
        self.routes
            .add_service(grpc_service(health, self.names))
            .add_service(v1)
            .add_service(v1alpha);
        Ok(self.routes.routes())
    }
}
