//! Settings that other versions support, with the only value that this version accepts.

use crate::config::setting::Setting;

const NOTHING: &str = "no value: this version does not support it";
pub(super) const OTEL_EXPORTER_OTLP_ENDPOINT: Setting<()> =
    only("OTEL_EXPORTER_OTLP_ENDPOINT", |_| None, NOTHING);

pub(in crate::config) const UNSUPPORTED: &[&Setting<()>] = &[&OTEL_EXPORTER_OTLP_ENDPOINT];

const fn only(
    name: &'static str,
    parse: fn(&str) -> Option<()>,
    accepts: &'static str,
) -> Setting<()> {
    Setting::new(name, parse, accepts, "Not supported in this version")
}
