//! The rules that a built image is held to.

pub use crate::check::missing_interpreter::RULE as MISSING_INTERPRETER;
pub use crate::check::not_executable::RULE as NOT_EXECUTABLE;
use crate::finding::{Rule, Severity};

/// The rules that `verify` alone finds, sorted by code; it shares `missing-program`, `missing-interpreter` and
/// `not-executable` with `check`.
pub static RULES: [&Rule; 9] = [
    &BASE_DRIFT,
    &DANGLING_LINK,
    &FAILED_PROBE,
    &MISSING_LIBRARY,
    &MISSING_LOADER,
    &PACKAGE_DRIFT,
    &PRIVILEGED_PROGRAM,
    &UNKNOWN_USER,
    &WRONG_ARCHITECTURE,
];

/// The image stands on another base than the lock names.
pub static BASE_DRIFT: Rule = Rule {
    code: "base-drift",
    severity: Severity::Warning,
    summary: "the image stands on another base than the lock names",
    docs: include_str!("../../docs/findings/base-drift.md"),
};

/// A program is a link that leads to nothing.
pub static DANGLING_LINK: Rule = Rule {
    code: "dangling-link",
    severity: Severity::Error,
    summary: "a program in the image is a link that leads to nothing",
    docs: include_str!("../../docs/findings/dangling-link.md"),
};

/// A program was started in the image and failed.
pub static FAILED_PROBE: Rule = Rule {
    code: "failed-probe",
    severity: Severity::Error,
    summary: "a program was started in the image and failed",
    docs: include_str!("../../docs/findings/failed-probe.md"),
};

/// A library that a program needs is not in the image.
pub static MISSING_LIBRARY: Rule = Rule {
    code: "missing-library",
    severity: Severity::Error,
    summary: "a shared library that a program needs is not in the image",
    docs: include_str!("../../docs/findings/missing-library.md"),
};

/// The loader that a program asks for is not in the image.
pub static MISSING_LOADER: Rule = Rule {
    code: "missing-loader",
    severity: Severity::Error,
    summary: "the loader that a program asks for is not in the image",
    docs: include_str!("../../docs/findings/missing-loader.md"),
};

/// The image's packages are not those of the lock.
pub static PACKAGE_DRIFT: Rule = Rule {
    code: "package-drift",
    severity: Severity::Warning,
    summary: "the image's packages are not those that the lock names",
    docs: include_str!("../../docs/findings/package-drift.md"),
};

/// A program that the code runs has more rights than its user.
pub static PRIVILEGED_PROGRAM: Rule = Rule {
    code: "privileged-program",
    severity: Severity::Note,
    summary: "a program that the code runs has rights beyond its user's",
    docs: include_str!("../../docs/findings/privileged-program.md"),
};

/// The image's user or group is not in its databases.
pub static UNKNOWN_USER: Rule = Rule {
    code: "unknown-user",
    severity: Severity::Error,
    summary: "the image is to run as a user that it does not have",
    docs: include_str!("../../docs/findings/unknown-user.md"),
};

/// A program is built for another platform than the image's.
pub static WRONG_ARCHITECTURE: Rule = Rule {
    code: "wrong-architecture",
    severity: Severity::Error,
    summary: "a program is built for another platform than the image's",
    docs: include_str!("../../docs/findings/wrong-architecture.md"),
};
