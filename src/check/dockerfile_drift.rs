//! `dockerfile-drift`: a Dockerfile differs from what the manifest, the lock and the template give.

use crate::file::{FileId, Files, Span};
use crate::finding::{Finding, Rule, Severity};
use crate::manifest::{Image, Pin};

/// The rule.
pub static RULE: Rule = Rule {
    code: "dockerfile-drift",
    severity: Severity::Error,
    summary: "a rendered Dockerfile differs from what the manifest gives",
    docs: include_str!("../../docs/findings/dockerfile-drift.md"),
};

/// The finding, at the first line that differs; at the manifest's entry where there is no file yet. `pinned` is what
/// `render --pin` was told where that alone makes the difference.
pub fn finding(files: &Files, image: &Image, old: Option<FileId>, new: &str, pinned: Option<Pin>) -> Finding {
    let path = &image.dockerfile.value;
    let Some(file) = old else {
        return Finding::new(&RULE, format!("{path} was never rendered"))
            .label(image.dockerfile.span, "named here")
            .help("run `aboard render`");
    };
    let source = files.get(file);
    let text = source.text();
    let same: usize = text
        .split_inclusive('\n')
        .zip(new.split_inclusive('\n'))
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len())
        .sum();
    let line = text.get(same..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
    let wanted = new.get(same..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let message =
        if wanted.is_empty() { "the rendered file ends before this".to_owned() } else { format!("rendered: {wanted}") };
    let first = Span::new(file, same, same + line);
    if let Some(pinned) = pinned {
        let (here, there) = (pinned.word(), image.pin.word());
        return Finding::new(&RULE, format!("{path} is pinned otherwise than the manifest says"))
            .label(first, format!("what `aboard render --pin {here}` writes"))
            .label(image.pin.span, format!("pin: {there}"))
            .help(format!("write `pin: {here}` for image {} to keep it, or run `aboard render`", image.name));
    }
    Finding::new(&RULE, format!("{path} differs from what the manifest gives"))
        .label(first, message)
        .label(image.name.span, "rendered from this image")
        .help("run `aboard render`; `aboard render --check` shows the whole difference")
}
