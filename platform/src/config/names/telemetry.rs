//! Settings of logs.

use crate::config::setting::Setting;
use crate::telemetry::{LogFilter, LogFormat};

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
