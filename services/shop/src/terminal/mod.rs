//! Arguments and output formats that the commands share.

mod actor;
mod output;
mod position;
mod progress;
mod stream;
mod table;
mod time;

pub use actor::{actor, actor_args, login_name, text_of};
pub use output::{Output, line, new_id, output_arg, print};
pub use position::position_arg;
pub use progress::progress_bar;
pub use stream::parse_stream;
pub use table::{fields, table};
pub use time::{parse_age, span, stamp};
