//! The settings of traces.

use opentelemetry_sdk::trace::Sampler;
use url::Url;

use super::protocol::OtlpProtocol;
use super::sampler::SamplerKind;
use crate::config::{Read, Reader, names};

/// Where traces are exported to, and which.
#[derive(Clone, Debug)]
pub struct TracesConfig {
    pub endpoint: Url,
    pub protocol: OtlpProtocol,
    pub service_name: String,
    sampler: SamplerKind,
    ratio: f64,
}

impl TracesConfig {
    /// Reads the settings; `None` without a collector.
    ///
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader) -> Read<Option<Self>> {
        let endpoint = reader.find(&names::OTEL_EXPORTER_OTLP_ENDPOINT);
        let protocol = reader.get(&names::OTEL_EXPORTER_OTLP_PROTOCOL);
        let sampler = reader.get(&names::OTEL_TRACES_SAMPLER);
        let ratio = reader.get(&names::OTEL_TRACES_SAMPLER_ARG);
        let service_name = reader.find(&names::OTEL_SERVICE_NAME);
        let (protocol, sampler, ratio) = (protocol?, sampler?, ratio?);
        let service_name = service_name?.unwrap_or_else(program);
        Ok(endpoint?.map(|endpoint| Self {
            endpoint,
            protocol,
            service_name,
            sampler,
            ratio,
        }))
    }

    pub(super) fn sampler(&self) -> Sampler {
        self.sampler.sampler(self.ratio)
    }
}

/// The name of the program's file.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
