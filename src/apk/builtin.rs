//! Well-known programs and their packages, for a machine that has no index, no lock and no network.
//!
//! What this table says is not verified for the release at hand: packages are renamed and split between releases. Whoever
//! uses an answer says that it comes from here, and never takes "not in the table" for "does not exist".

/// A program, its package, and the index that said so (all read on `x86_64`). Sorted by program.
static PACKAGES: &[(&str, &str, &str)] = &[
    ("apk", "apk-tools", "v3.22/main"),
    ("aws", "aws-cli", "v3.12/community"),
    ("bash", "bash", "v3.22/main"),
    ("bc", "bc", "v3.22/main"),
    ("bison", "bison", "v3.22/main"),
    ("bridge", "iproute2", "v3.22/main"),
    ("btrfs", "btrfs-progs", "v3.22/main"),
    ("bunzip2", "bzip2", "v3.22/main"),
    ("bzip2", "bzip2", "v3.22/main"),
    ("caddy", "caddy", "v3.12/community"),
    ("cargo", "cargo", "v3.22/main"),
    ("certbot", "certbot", "v3.12/community"),
    ("chattr", "e2fsprogs-extra", "v3.22/main"),
    ("cmake", "cmake", "v3.22/main"),
    ("composer", "composer", "v3.12/community"),
    ("conntrack", "conntrack-tools", "v3.22/main"),
    ("containerd", "containerd", "v3.12/community"),
    ("cryptsetup", "cryptsetup", "v3.22/main"),
    ("ctr", "containerd", "v3.12/community"),
    ("curl", "curl", "v3.22/main"),
    ("dig", "bind-tools", "v3.22/main"),
    ("dnsmasq", "dnsmasq", "v3.22/main"),
    ("docker", "docker-cli", "v3.12/community"),
    ("docker-compose", "docker-compose", "v3.12/community"),
    ("dockerd", "docker-engine", "v3.12/community"),
    ("dot", "graphviz", "v3.22/main"),
    ("dovecot", "dovecot", "v3.22/main"),
    ("e2fsck", "e2fsprogs", "v3.22/main"),
    ("envsubst", "gettext-envsubst", "v3.22/main"),
    ("ethtool", "ethtool", "v3.22/main"),
    ("ffmpeg", "ffmpeg", "v3.12/community"),
    ("ffprobe", "ffmpeg", "v3.12/community"),
    ("file", "file", "v3.22/main"),
    ("find", "findutils", "v3.22/main"),
    ("flex", "flex", "v3.22/main"),
    ("g++", "g++", "v3.22/main"),
    ("gawk", "gawk", "v3.22/main"),
    ("gcc", "gcc", "v3.22/main"),
    ("getcap", "libcap-getcap", "v3.22/main"),
    ("getfacl", "acl", "v3.22/main"),
    ("gettext", "gettext", "v3.22/main"),
    ("git", "git", "v3.22/main"),
    ("git-lfs", "git-lfs", "v3.12/community"),
    ("go", "go", "v3.12/community"),
    ("gpg", "gpg", "v3.22/main"),
    ("grep", "grep", "v3.22/main"),
    ("groff", "groff", "v3.22/main"),
    ("gs", "ghostscript", "v3.22/main"),
    ("gunicorn", "py3-gunicorn", "v3.12/community"),
    ("haproxy", "haproxy", "v3.22/main"),
    ("hdparm", "hdparm", "v3.22/main"),
    ("host", "bind-tools", "v3.22/main"),
    ("htop", "htop", "v3.22/main"),
    ("iconv", "musl-utils", "v3.22/main"),
    ("inotifywait", "inotify-tools", "v3.22/main"),
    ("ip", "iproute2-minimal", "v3.22/main"),
    ("ip6tables", "iptables", "v3.22/main"),
    ("ipset", "ipset", "v3.22/main"),
    ("iptables", "iptables", "v3.22/main"),
    ("jq", "jq", "v3.22/main"),
    ("ldapsearch", "openldap-clients", "v3.22/main"),
    ("logrotate", "logrotate", "v3.22/main"),
    ("lsblk", "lsblk", "v3.22/main"),
    ("lsof", "lsof", "v3.22/main"),
    ("lspci", "pciutils", "v3.22/main"),
    ("lsusb", "usbutils", "v3.22/main"),
    ("lvm", "lvm2", "v3.22/main"),
    ("m4", "m4", "v3.22/main"),
    ("make", "make", "v3.22/main"),
    ("mariadb", "mariadb-client", "v3.22/main"),
    ("mc", "mc", "v3.22/main"),
    ("mdadm", "mdadm", "v3.22/main"),
    ("memcached", "memcached", "v3.22/main"),
    ("mkfs.ext4", "e2fsprogs", "v3.22/main"),
    ("mkfs.xfs", "xfsprogs", "v3.22/main"),
    ("mongodump", "mongodb-tools", "v3.12/community"),
    ("mount.nfs", "nfs-utils", "v3.22/main"),
    ("msgfmt", "gettext", "v3.22/main"),
    ("mysql", "mariadb-client", "v3.22/main"),
    ("mysqld", "mariadb", "v3.22/main"),
    ("mysqldump", "mariadb-client", "v3.22/main"),
    ("named", "bind", "v3.22/main"),
    ("nft", "nftables", "v3.22/main"),
    ("nginx", "nginx", "v3.22/main"),
    ("ninja", "samurai", "v3.22/main"),
    ("nmap", "nmap", "v3.22/main"),
    ("node", "nodejs", "v3.22/main"),
    ("nslookup", "bind-tools", "v3.22/main"),
    ("openssl", "openssl", "v3.22/main"),
    ("parted", "parted", "v3.22/main"),
    ("patch", "patch", "v3.22/main"),
    ("pdftotext", "poppler-utils", "v3.22/main"),
    ("perl", "perl", "v3.22/main"),
    ("pg_dump", "postgresql16-client", "v3.22/main"),
    ("pg_isready", "postgresql16-client", "v3.22/main"),
    ("pg_restore", "postgresql16-client", "v3.22/main"),
    ("pip3", "py3-pip", "v3.12/community"),
    ("postfix", "postfix", "v3.22/main"),
    ("postgres", "postgresql16", "v3.22/main"),
    ("psql", "postgresql16-client", "v3.22/main"),
    ("python3", "python3", "v3.22/main"),
    ("qemu-img", "qemu-img", "v3.12/community"),
    ("rclone", "rclone", "v3.12/community"),
    ("redis-cli", "redis", "v3.17/main"),
    ("redis-server", "redis", "v3.17/main"),
    ("restic", "restic", "v3.12/community"),
    ("rg", "ripgrep", "v3.12/community"),
    ("rsync", "rsync", "v3.22/main"),
    ("rsyslogd", "rsyslog", "v3.22/main"),
    ("ruby", "ruby", "v3.22/main"),
    ("runc", "runc", "v3.12/community"),
    ("rustc", "rust", "v3.22/main"),
    ("scp", "openssh-client-common", "v3.22/main"),
    ("setcap", "libcap-setcap", "v3.22/main"),
    ("setfacl", "acl", "v3.22/main"),
    ("sftp", "openssh-client-common", "v3.22/main"),
    ("skopeo", "skopeo", "v3.12/community"),
    ("smartctl", "smartmontools", "v3.22/main"),
    ("socat", "socat", "v3.22/main"),
    ("sqlite3", "sqlite", "v3.22/main"),
    ("squid", "squid", "v3.22/main"),
    ("ssh", "openssh-client-default", "v3.22/main"),
    ("ssh-add", "openssh-client-common", "v3.22/main"),
    ("ssh-agent", "openssh-client-common", "v3.22/main"),
    ("ssh-keygen", "openssh-keygen", "v3.22/main"),
    ("ssh-keyscan", "openssh-client-common", "v3.22/main"),
    ("sshd", "openssh-server", "v3.22/main"),
    ("strace", "strace", "v3.22/main"),
    ("su-exec", "su-exec", "v3.22/main"),
    ("supervisord", "supervisor", "v3.22/main"),
    ("svn", "subversion", "v3.22/main"),
    ("tar", "tar", "v3.22/main"),
    ("tc", "iproute2-tc", "v3.22/main"),
    ("tcpdump", "tcpdump", "v3.22/main"),
    ("terraform", "terraform", "v3.12/community"),
    ("tini", "tini", "v3.12/community"),
    ("tmux", "tmux", "v3.22/main"),
    ("tree", "tree", "v3.22/main"),
    ("tshark", "tshark", "v3.12/community"),
    ("udevadm", "eudev", "v3.22/main"),
    ("unbound", "unbound", "v3.22/main"),
    ("unzip", "unzip", "v3.22/main"),
    ("varnishd", "varnish", "v3.22/main"),
    ("vault", "vault", "v3.12/community"),
    ("vim", "vim", "v3.22/main"),
    ("wg", "wireguard-tools-wg", "v3.22/main"),
    ("wget", "wget", "v3.22/main"),
    ("wkhtmltopdf", "wkhtmltopdf", "v3.12/community"),
    ("xmllint", "libxml2-utils", "v3.22/main"),
    ("xsltproc", "libxslt", "v3.22/main"),
    ("xz", "xz", "v3.22/main"),
    ("zfs", "zfs", "v3.22/main"),
    ("zip", "zip", "v3.22/main"),
    ("zstd", "zstd", "v3.22/main"),
];

/// What is to be said of every answer of this table.
pub const CAVEAT: &str = "from the built-in table, not verified";

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The package.
    pub package: &'static str,
    /// The index that said so (`v3.22/main`).
    pub source: &'static str,
}

/// The package that brings a well-known program, by its name without a folder.
pub fn package(program: &str) -> Option<Known> {
    let at = PACKAGES.binary_search_by(|row| row.0.cmp(program)).ok()?;
    let (_, package, source) = PACKAGES[at];
    Some(Known { package, source })
}

/// Packages that bring others whose programs they are installed for, sorted; each with the index that said so.
static BRINGS: [(&str, &[&str], &str); 5] = [
    ("docker", &["docker-cli", "docker-engine"], "v3.12/community"),
    ("gnupg", &["gpg", "gpg-agent", "gpgv"], "v3.22/main"),
    ("openssh", &["openssh-client-common", "openssh-client-default", "openssh-keygen", "openssh-server"], "v3.22/main"),
    ("openssh-client", &["openssh-client-common", "openssh-client-default", "openssh-keygen"], "v3.22/main"),
    ("openssh-client-default", &["openssh-client-common", "openssh-keygen"], "v3.22/main"),
];

/// The applets of busybox-extras, which its index record does not list: links that its install script makes. Sorted.
/// Source: `busyboxconfig-extras` of aports, <https://gitlab.alpinelinux.org/alpine/aports/-/tree/3.20-stable/main/busybox>.
pub const BUSYBOX_EXTRAS: [&str; 11] =
    ["dnsd", "fakeidentd", "ftpd", "ftpget", "ftpput", "httpd", "inetd", "telnet", "telnetd", "tftp", "udhcpd"];

/// The well-known programs that a package gives, by itself or by what it brings, sorted.
pub fn programs_of(package: &str) -> Vec<&'static str> {
    let row = BRINGS.iter().find(|row| row.0 == package);
    let brought = row.map_or(&[][..], |row| row.1);
    let given = PACKAGES.iter().filter(|row| row.1 == package || brought.contains(&row.1));
    given.map(|row| row.0).collect()
}

/// The programs of the table, sorted.
pub fn programs() -> impl Iterator<Item = &'static str> {
    PACKAGES.iter().map(|row| row.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_gives_what_it_brings() {
        assert!(BRINGS.is_sorted_by_key(|row| row.0));
        assert_eq!(programs_of("docker"), ["docker", "dockerd"]);
        assert!(programs_of("openssh-client").contains(&"ssh-keygen"));
        assert!(programs_of("nothing-of-the-kind").is_empty());
    }

    #[test]
    fn the_table_is_sorted_and_answers() {
        assert!(PACKAGES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(package("docker").map(|known| known.package), Some("docker-cli"));
        assert_eq!(package("git"), Some(Known { package: "git", source: "v3.22/main" }));
        assert_eq!(package("no-such-program"), None);
    }
}
