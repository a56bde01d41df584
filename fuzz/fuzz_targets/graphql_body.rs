//! The body of a GraphQL request: any bytes get an answer of the protocol, and the same bytes the same answer.
#![no_main]

use fuzz_targets::Gateway;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static GATEWAY: Gateway = Gateway::start();
}

fuzz_target!(|data: &[u8]| {
    let answer = || GATEWAY.with(|gateway| gateway.post(data.to_vec()));
    let first = answer();
    // The document may be cached by now.
    assert_eq!(answer(), first);
});
