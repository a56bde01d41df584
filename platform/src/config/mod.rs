//! Settings: built-in defaults, then a TOML file, then the environment, then flags; the last one wins.
//!
//! Every setting has one name, such as `CLIENT_HTTP_ADDR`, and is described once, in [`names`]. The TOML key
//! `section.key` and the flag `--section-key` are the same setting as the variable `SECTION_KEY`. An empty
//! variable counts as unset. An unknown key in the file prevents the start, because it is a typing error. A failed
//! start reports all invalid settings together ([`Reader`]).

mod app_env;
mod auth_mode;
mod database_url;
mod effective;
mod error;
mod exposure;
mod file;
mod flags;
pub mod names;
mod reader;
mod service;
mod setting;
mod settings;
mod shown;
mod stop_times;
mod values;

pub use app_env::AppEnv;
pub use auth_mode::AuthMode;
pub use database_url::{DatabaseUrl, Engine};
pub use effective::EffectiveSetting;
pub use error::{ConfigError, ConfigErrors};
pub use exposure::app_env;
pub use flags::{args, command};
pub use reader::{Read, Reader, Recording};
pub use service::{Databases, Listeners, ServiceSettings};
pub use setting::{Secrecy, Setting, Spec};
pub use settings::{Layers, Settings};
pub use shown::shown;
pub use stop_times::StopTimes;
