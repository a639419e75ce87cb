//! Options that the program of the same name has elsewhere and busybox's applet lacks.
//!
//! A table of the options that code uses commonly; it is no list of all that is missing. An option that is not in it counts
//! as there.

/// One row: an applet, an option that it lacks, and the package whose program has it.
struct Lack {
    applet: &'static str,
    option: &'static str,
    package: &'static str,
}

const fn lack(applet: &'static str, option: &'static str, package: &'static str) -> Lack {
    Lack { applet, option, package }
}

/// Sorted by applet and option. Each row was tried on busybox 1.36.1-r29 of Alpine 3.20.3's minimal root, which refuses
/// the option (`scripts/applet-options` tries them again); the full programs document theirs in
/// <https://www.gnu.org/software/coreutils/manual/>, `…/wget/manual/`, `…/tar/manual/`, `…/sed/manual/`, `…/grep/manual/`,
/// <https://www.gnu.org/software/findutils/manual/>, <https://man7.org/linux/man-pages/man1/ps.1.html>.
static LACKS: &[Lack] = &[
    lack("date", "--iso-8601", "coreutils"),
    lack("date", "--resolution", "coreutils"),
    lack("date", "--rfc-3339", "coreutils"),
    lack("date", "--rfc-email", "coreutils"),
    lack("date", "--universal", "coreutils"),
    lack("find", "-amin", "findutils"),
    lack("find", "-cmin", "findutils"),
    lack("find", "-daystart", "findutils"),
    lack("find", "-fprint", "findutils"),
    lack("find", "-ls", "findutils"),
    lack("find", "-newermt", "findutils"),
    lack("find", "-printf", "findutils"),
    lack("find", "-readable", "findutils"),
    lack("find", "-regextype", "findutils"),
    lack("find", "-samefile", "findutils"),
    lack("grep", "--binary-files", "grep"),
    lack("grep", "--exclude", "grep"),
    lack("grep", "--exclude-dir", "grep"),
    lack("grep", "--extended-regexp", "grep"),
    lack("grep", "--fixed-strings", "grep"),
    lack("grep", "--ignore-case", "grep"),
    lack("grep", "--include", "grep"),
    lack("grep", "--invert-match", "grep"),
    lack("grep", "--line-buffered", "grep"),
    lack("grep", "--max-count", "grep"),
    lack("grep", "--null", "grep"),
    lack("grep", "--only-matching", "grep"),
    lack("grep", "--perl-regexp", "grep"),
    lack("grep", "--quiet", "grep"),
    lack("grep", "--text", "grep"),
    lack("grep", "-P", "grep"),
    lack("grep", "-U", "grep"),
    lack("grep", "-Z", "grep"),
    lack("grep", "-b", "grep"),
    lack("grep", "-z", "grep"),
    lack("ps", "--forest", "procps-ng"),
    lack("ps", "--no-headers", "procps-ng"),
    lack("ps", "--pid", "procps-ng"),
    lack("ps", "--ppid", "procps-ng"),
    lack("ps", "--sort", "procps-ng"),
    lack("ps", "-C", "procps-ng"),
    lack("ps", "-p", "procps-ng"),
    lack("ps", "-u", "procps-ng"),
    lack("sed", "--debug", "sed"),
    lack("sed", "--follow-symlinks", "sed"),
    lack("sed", "--null-data", "sed"),
    lack("sed", "--posix", "sed"),
    lack("sed", "--sandbox", "sed"),
    lack("sed", "--separate", "sed"),
    lack("sed", "--unbuffered", "sed"),
    lack("sed", "-s", "sed"),
    lack("sed", "-u", "sed"),
    lack("sed", "-z", "sed"),
    lack("stat", "--dereference", "coreutils"),
    lack("stat", "--file-system", "coreutils"),
    lack("stat", "--format", "coreutils"),
    lack("stat", "--printf", "coreutils"),
    lack("stat", "--terse", "coreutils"),
    lack("tar", "--absolute-names", "tar"),
    lack("tar", "--acls", "tar"),
    lack("tar", "--append", "tar"),
    lack("tar", "--checkpoint", "tar"),
    lack("tar", "--delete", "tar"),
    lack("tar", "--exclude-vcs", "tar"),
    lack("tar", "--format", "tar"),
    lack("tar", "--group", "tar"),
    lack("tar", "--ignore-failed-read", "tar"),
    lack("tar", "--keep-old-files", "tar"),
    lack("tar", "--listed-incremental", "tar"),
    lack("tar", "--mtime", "tar"),
    lack("tar", "--one-file-system", "tar"),
    lack("tar", "--owner", "tar"),
    lack("tar", "--selinux", "tar"),
    lack("tar", "--skip-old-files", "tar"),
    lack("tar", "--sort", "tar"),
    lack("tar", "--totals", "tar"),
    lack("tar", "--transform", "tar"),
    lack("tar", "--use-compress-program", "tar"),
    lack("tar", "--verbatim-files-from", "tar"),
    lack("tar", "--warning", "tar"),
    lack("tar", "--wildcards", "tar"),
    lack("tar", "--xattrs", "tar"),
    lack("tar", "--zstd", "tar"),
    lack("tar", "-M", "tar"),
    lack("tar", "-g", "tar"),
    lack("wget", "--body-data", "wget"),
    lack("wget", "--ca-certificate", "wget"),
    lack("wget", "--compression", "wget"),
    lack("wget", "--content-disposition", "wget"),
    lack("wget", "--https-only", "wget"),
    lack("wget", "--input-file", "wget"),
    lack("wget", "--limit-rate", "wget"),
    lack("wget", "--max-redirect", "wget"),
    lack("wget", "--method", "wget"),
    lack("wget", "--mirror", "wget"),
    lack("wget", "--password", "wget"),
    lack("wget", "--progress", "wget"),
    lack("wget", "--recursive", "wget"),
    lack("wget", "--retry-connrefused", "wget"),
    lack("wget", "--secure-protocol", "wget"),
    lack("wget", "--show-progress", "wget"),
    lack("wget", "--timestamping", "wget"),
    lack("wget", "--waitretry", "wget"),
    lack("wget", "-N", "wget"),
    lack("wget", "-i", "wget"),
    lack("wget", "-m", "wget"),
    lack("wget", "-r", "wget"),
];

/// A note on the first argument that a busybox applet would refuse; nothing where the applet, as far as the table goes,
/// takes them all.
pub fn lacks(program: &str, arguments: &[&str]) -> Option<String> {
    let applet = program.rsplit('/').next().unwrap_or(program);
    for argument in arguments {
        if *argument == "--" {
            break;
        }
        if let Some(Lack { option, package, .. }) = row(applet, argument) {
            return Some(format!("busybox's {applet} has no {option}; the one of the package {package} has"));
        }
    }
    None
}

/// The row that an argument meets: as a whole without its value, or by one letter of several (`-oP`).
fn row(applet: &str, argument: &str) -> Option<&'static Lack> {
    let find = |option: &str| {
        let at = LACKS.binary_search_by(|row| (row.applet, row.option).cmp(&(applet, option)));
        at.ok().map(|at| &LACKS[at])
    };
    let whole = find(argument.split('=').next().unwrap_or(argument));
    let letters = argument.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
    if whole.is_some() || letters.is_none() {
        return whole;
    }
    // After these letters the rest is a value.
    let with_value = match applet {
        "grep" => "efmABC",
        "ps" => "opuC",
        "sed" => "efil",
        "tar" => "fCXTbI",
        "wget" => "OoPtTUYei",
        _ => return None,
    };
    for letter in letters?.chars() {
        if let Some(row) = find(&format!("-{letter}")) {
            return Some(row);
        }
        if with_value.contains(letter) {
            break;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_options() {
        assert!(LACKS.is_sorted_by(|a, b| (a.applet, a.option) < (b.applet, b.option)));
        assert!(LACKS.iter().all(|row| row.option.starts_with('-') && !row.package.is_empty()));
    }

    #[test]
    fn an_option_that_is_missing_is_named_with_its_package() {
        let note = lacks("/usr/bin/wget", &["-q", "--retry-connrefused", "https://example.org"]).expect("it lacks one");
        assert_eq!(note, "busybox's wget has no --retry-connrefused; the one of the package wget has");
        assert!(lacks("grep", &["-oP", "x"]).expect("it lacks one").contains("has no -P;"));
        assert_eq!(lacks("grep", &["-ePATTERN"]), None);
        assert_eq!(lacks("wget", &["-q", "-O", "-", "https://example.org"]), None);
        assert!(lacks("date", &["--iso-8601=seconds"]).is_some());
        assert_eq!(lacks("grep", &["-e", "x", "--", "--perl-regexp"]), None);
        assert_eq!(lacks("docker", &["--iso-8601"]), None);
    }
}
