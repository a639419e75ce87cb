//! Paths inside an image: absolute, with `/`, without `.` and `..`.

/// `path` seen from the folder `base`, without `.`, `..` and doubled slashes; `..` at the root stays there.
pub fn join(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let relative = !path.starts_with('/');
    for part in base.split('/').filter(|_| relative).chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The last part of a path; empty for the root.
pub fn file_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// The path of `path` below `folder`, without a slash in front; nothing where it does not lie there.
pub fn below<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    if folder == "/" {
        return Some(path.trim_start_matches('/'));
    }
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_absolute_and_plain() {
        assert_eq!(join("/app", "./bin/../x"), "/app/x");
        assert_eq!(join("/app", "/y/"), "/y");
        assert_eq!(join("/", "../.."), "/");
        assert_eq!(file_name("/a/b/"), "b");
        assert_eq!(below("/a", "/a/b/c"), Some("b/c"));
        assert_eq!(below("/a", "/ab"), None);
        assert_eq!(below("/", "/ab"), Some("ab"));
    }
}
