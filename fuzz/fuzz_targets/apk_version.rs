//! The version order: whatever two texts are, it answers, and the same the other way round.
#![no_main]

use aboard::apk::dependency::Dependency;
use aboard::apk::version::{compare, is_valid, matches_fuzzily};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, &str)| {
    let (a, b) = texts;
    let _ = (Dependency::parse(a), matches_fuzzily(a, b));
    if is_valid(a) && is_valid(b) {
        assert_eq!(compare(a, b), compare(b, a).reverse(), "{a:?} against {b:?}");
    }
});
