//! Settings of logs and traces. Those of traces have the names of OpenTelemetry.

use url::Url;

use crate::config::setting::{Secrecy, Setting};
use crate::config::values::{http_url, ratio, text};
use crate::telemetry::{LogFilter, LogFormat, OtlpProtocol, SamplerKind};

pub const LOG_LEVEL: Setting<LogFilter> = Setting::new(
    "LOG_LEVEL",
    LogFilter::parse,
    "error, warn, info, debug, trace, or a list such as info,command_service=debug",
    "The filter of log lines",
)
.or("info");
pub const LOG_FORMAT: Setting<LogFormat> = Setting::new(
    "LOG_FORMAT",
    LogFormat::parse,
    "json or text",
    "The format of log lines",
)
.or("text");
pub const OTEL_EXPORTER_OTLP_ENDPOINT: Setting<Url> = Setting::new(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    http_url,
    "http:// or https:// with the host of a collector, and its port",
    "Collector that traces are exported to; without it there are none",
)
.hide(Secrecy::Credentials);
pub const OTEL_EXPORTER_OTLP_PROTOCOL: Setting<OtlpProtocol> = Setting::new(
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    OtlpProtocol::parse,
    "grpc (port 4317 as a rule) or http/protobuf (4318)",
    "Protocol of the collector",
)
.or("grpc");
pub const OTEL_TRACES_SAMPLER: Setting<SamplerKind> = Setting::new(
    "OTEL_TRACES_SAMPLER",
    SamplerKind::parse,
    "always_on, always_off, traceidratio, or one of them after parentbased_",
    "Which traces are exported; with parentbased_ the caller decides, if it sends a trace context",
)
.or("parentbased_always_on");
pub const OTEL_TRACES_SAMPLER_ARG: Setting<f64> = Setting::new(
    "OTEL_TRACES_SAMPLER_ARG",
    ratio,
    "a number from 0 to 1",
    "The part of all traces that traceidratio exports",
)
.or("1");
pub const OTEL_SERVICE_NAME: Setting<String> = Setting::new(
    "OTEL_SERVICE_NAME",
    text,
    "a name",
    "The process in traces; by default the name of the program",
);
