//! An index file, its text, and the closure of its first package: no input may panic or run away.
#![no_main]

use aboard::apk::archive::Archive;
use aboard::apk::catalog::{Catalog, Source};
use aboard::apk::closure;
use aboard::apk::index::Index;
use aboard::apk::installed::Installed;
use aboard::apk::signature::Keys;
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(archive) = Archive::open(bytes) {
        let _ = Keys::alpine().verify(&archive);
        let _ = Index::parse(archive.index);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = Installed::parse(text.to_owned(), text);
    let Ok(index) = Index::parse(text.to_owned()) else { return };
    for package in index.packages() {
        let _ = (package.depends().count(), package.provides().count(), package.install_if().count());
        let _ = (package.checksum_bytes(), package.parsed_version());
    }
    let names: Vec<String> = index.packages().take(3).map(|package| package.name().to_owned()).collect();
    let catalog = Catalog::new(vec![Source { repository: String::new(), tag: None, index: Arc::new(index) }]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let _ = closure::closure(&catalog, &Installed::none(), &names);
    for name in names {
        let _ = catalog.providers_of_program(name);
    }
});
