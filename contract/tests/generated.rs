//! The code in `src/generated` is what `proto/` says.
//!
//! It is kept in the repository, so that who builds the services builds no protobuf compiler first. The compiler is
//! written in Rust: no `protoc` is needed to change the contract either.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;

/// Set to write the files in place of comparing them.
const UPDATE: &str = "UPDATE_GENERATED";

#[test]
fn it_is_generated_from_these_protos() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let fresh = tempfile::tempdir()?;
    generate(&root.join("../proto"), fresh.path())?;
    let kept = root.join("src/generated");
    let mut names = Vec::new();
    for entry in fs::read_dir(fresh.path())? {
        names.push(entry?.file_name());
    }
    assert_eq!(names.len(), 3, "one file a package, and the descriptors");
    for name in names {
        let made = fs::read(fresh.path().join(&name))?;
        let path = kept.join(&name);
        if env::var_os(UPDATE).is_some() {
            fs::write(&path, &made)?;
        }
        assert!(
            fs::read(&path).is_ok_and(|found| found == made),
            "{} is not what proto/ says: run {UPDATE}=1 cargo test -p contract --test generated",
            path.display()
        );
    }
    Ok(())
}

fn generate(protos: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    // All of them, so that none is left out of the contract and of reflection; sorted, so that the result is always the same.
    let mut files = Vec::new();
    for entry in fs::read_dir(protos)? {
        files.push(entry?.file_name());
    }
    files.sort_unstable();
    let descriptors = protox::compile(files, [protos])?;
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // Channels and listeners are the business of who uses the types.
        .build_transport(false)
        .bytes(".proto.IdempotencyFinishParam.answer")
        .bytes(".proto.IdempotencyBeginResult.answer")
        .out_dir(out)
        .compile_fds(descriptors)?;
    Ok(())
}
