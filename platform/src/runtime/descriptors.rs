//! How many files and connections a process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open descriptors to what the system allows this process at most. Each connection takes one, and
/// shells give 1,024.
pub(super) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // Refused where a sandbox forbids it; then the limit is what it was, and nothing else changes.
    let _ = setrlimit(Resource::Nofile, raised);
}

/// How many descriptors this process may have open; nothing if there is no limit.
pub(super) fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_the_hard_one() {
        let hard = getrlimit(Resource::Nofile).maximum;
        let low = Rlimit {
            current: Some(512),
            maximum: hard,
        };
        setrlimit(Resource::Nofile, low).expect("a limit may be lowered");
        raise_limit();
        assert_eq!(getrlimit(Resource::Nofile).current, hard);
    }
}
