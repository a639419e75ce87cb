//! `cfg` of attributes, judged for linux; what depends on features or the like is taken to hold.

/// Whether an attribute lets its item be part of a production build for linux.
pub(super) fn holds(attribute: &str) -> bool {
    let text: String = attribute.chars().filter(|c| !c.is_whitespace()).collect();
    let Some(inner) = text.trim_start_matches(['#', '!', '[']).strip_suffix(']') else { return true };
    if matches!(inner, "test" | "bench") || inner.ends_with("::test") || inner.starts_with("tokio::test(") {
        return false;
    }
    let Some(predicate) = inner.strip_prefix("cfg(").and_then(|rest| rest.strip_suffix(')')) else { return true };
    judge(predicate, 0) != Some(false)
}

/// A predicate's truth; nothing where it is open.
fn judge(predicate: &str, depth: u32) -> Option<bool> {
    if depth > 16 {
        return None;
    }
    let call = |name: &str| predicate.strip_prefix(name).and_then(|rest| rest.strip_suffix(')'));
    if let Some(inner) = call("not(") {
        return judge(inner, depth + 1).map(|holds| !holds);
    }
    if let Some(inner) = call("all(") {
        let answers: Vec<_> = parts(inner).into_iter().map(|part| judge(part, depth + 1)).collect();
        return if answers.contains(&Some(false)) { Some(false) } else { whole(&answers) };
    }
    if let Some(inner) = call("any(") {
        let answers: Vec<_> = parts(inner).into_iter().map(|part| judge(part, depth + 1)).collect();
        return if answers.contains(&Some(true)) { Some(true) } else { whole(&answers).map(|_| false) };
    }
    match predicate {
        "unix" => Some(true),
        "windows" | "test" | "doctest" | "miri" | "doc" | "docsrs" => Some(false),
        _ => {
            let (key, value) = predicate.split_once('=')?;
            let value = value.trim_matches('"');
            match key {
                "target_os" => Some(value == "linux"),
                "target_family" => Some(value == "unix"),
                "target_arch" if value == "wasm32" => Some(false),
                _ => None,
            }
        }
    }
}

/// Something where every answer is known.
fn whole(answers: &[Option<bool>]) -> Option<bool> {
    answers.iter().all(Option::is_some).then_some(true)
}

/// The predicates between the commas that no bracket holds.
fn parts(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found.retain(|part| !part.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn cfg_is_judged_for_linux() {
        for holds_there in [
            "#[cfg(unix)]",
            "#[cfg(not(windows))]",
            "#[cfg(any(target_os = \"linux\", target_os = \"macos\"))]",
            "#[cfg(feature = \"x\")]",
            "#[cfg(all(unix, not(target_os = \"macos\")))]",
            "#[derive(Debug)]",
            "#[tokio::main]",
        ] {
            assert!(holds(holds_there), "{holds_there}");
        }
        for elsewhere in [
            "#[cfg(test)]",
            "#[cfg(windows)]",
            "#![cfg(target_os = \"windows\")]",
            "#[cfg(all(unix, target_os = \"macos\"))]",
            "#[cfg(any(windows, target_os = \"macos\"))]",
            "#[test]",
            "#[tokio::test]",
            "#[tokio::test(flavor = \"multi_thread\")]",
        ] {
            assert!(!holds(elsewhere), "{elsewhere}");
        }
    }
}
