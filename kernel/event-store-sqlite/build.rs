//! Rebuilds the crate when a migration is added, which Cargo would not notice.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
