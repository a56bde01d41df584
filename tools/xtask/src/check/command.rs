//! Programs that print what they find themselves.

/// The one problem of a program that failed.
pub fn verdict(success: bool, command: &str) -> Vec<String> {
    if success {
        Vec::new()
    } else {
        vec![format!("{command} failed, see above")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_run_is_a_problem() {
        assert_eq!(verdict(false, "cargo x"), ["cargo x failed, see above"]);
        assert!(verdict(true, "cargo x").is_empty());
    }
}
