//! Arguments and output formats that the commands share.

mod actor;
mod output;
mod position;
mod progress;
mod size;
mod stream;
mod table;
mod time;

pub use actor::{actor, actor_args, login_name, text_of};
pub use output::{Output, line, new_id, output_arg, print};
pub use position::position_arg;
pub use progress::{bar, while_growing, while_running};
pub use size::size;
pub use stream::parse_stream;
pub use table::{fields, table};
pub use time::{parse_age, span, stamp};
