//! Programs that run another program, and where in their arguments it stands.
//!
//! One row a wrapper. What runs elsewhere (another host, another container) is [`Inner::Nothing`]: its command is no need of
//! this image.

/// What a wrapper's operands are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inner {
    /// A command with its arguments, after so many operands of the wrapper's own.
    Command(usize),
    /// Shell code: all operands, joined with blanks.
    Code,
    /// After so many operands: one word is shell code after `-c`, else a command (flock).
    CommandOrCode(usize),
    /// A shell: `-c CODE [NAME [ARGUMENT…]]`, a script, or code on the standard input.
    Shell,
    /// `su`: `-c CODE`.
    Su,
    /// `find`: `-exec COMMAND… ;`.
    Find,
    /// `busybox APPLET …`.
    Applet,
    /// `chroot FOLDER COMMAND…`: this image's only where the folder is `/`.
    Root,
    /// `nsenter`: this image's unless another mount namespace is entered.
    Namespace,
    /// `start-stop-daemon --exec PROGRAM`.
    Daemon,
    /// Nothing that runs in this image.
    Nothing,
}

/// One wrapper and its option grammar.
#[derive(Debug)]
pub(super) struct Wrapper {
    pub(super) name: &'static str,
    /// The short options that take a value; after `?`, those whose value can only stand in the same word.
    pub(super) short: &'static str,
    /// The long options that take a value as the next word.
    pub(super) long: &'static [&'static str],
    /// The options whose value is shell code (`env -S`): short letter.
    pub(super) split: &'static str,
    /// Whether `NAME=value` words stand before the command.
    pub(super) assignments: bool,
    pub(super) inner: Inner,
    /// Where the grammar is written.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(super) source: &'static str,
}

const fn row(
    name: &'static str,
    short: &'static str,
    long: &'static [&'static str],
    inner: Inner,
    source: &'static str,
) -> Wrapper {
    Wrapper { name, short, long, split: "", assignments: false, inner, source }
}

/// A wrapper whose command may stand after assignments.
const fn setting(
    name: &'static str,
    short: &'static str,
    long: &'static [&'static str],
    split: &'static str,
    source: &'static str,
) -> Wrapper {
    Wrapper { name, short, long, split, assignments: true, inner: Inner::Command(0), source }
}

const SHELLS: &str = "https://pubs.opengroup.org/onlinepubs/9799919799/utilities/sh.html";
const S6: &str = "https://skarnet.org/software/s6/";
const EXECLINE: &str = "https://skarnet.org/software/execline/";
const S6_OVERLAY: &str = "https://github.com/just-containers/s6-overlay#container-environment";
const PORTABLE: &str = "https://skarnet.org/software/s6-portable-utils/";
const COREUTILS: &str = "https://www.gnu.org/software/coreutils/manual/coreutils.html#Modified-command-invocation";

/// The wrappers, sorted by name.
pub(super) static WRAPPERS: [Wrapper; 93] = [
    row("aa-exec", "np", &["--namespace", "--profile"], Inner::Command(0), "https://manpages.debian.org/aa-exec.1"),
    row("ash", "o", &["--rcfile", "--init-file"], Inner::Shell, SHELLS),
    row("authbind", "", &["--depth"], Inner::Command(0), "https://manpages.debian.org/authbind.1"),
    row(
        "bash",
        "oO",
        &["--rcfile", "--init-file"],
        Inner::Shell,
        "https://www.gnu.org/software/bash/manual/html_node/Invoking-Bash.html",
    ),
    row("busybox", "", &[], Inner::Applet, "https://busybox.net/downloads/BusyBox.html"),
    row("bwrap", "", &[], Inner::Nothing, "https://manpages.debian.org/bwrap.1"),
    row("capsh", "", &[], Inner::Nothing, "https://manpages.debian.org/capsh.1"),
    row("catatonit", "", &[], Inner::Command(0), "https://github.com/openSUSE/catatonit#usage"),
    row("chpst", "uUbe/nlLmdopfcr", &[], Inner::Command(0), "http://smarden.org/runit/chpst.8"),
    row("chroot", "", &["--userspec", "--groups"], Inner::Root, COREUTILS),
    row(
        "chrt",
        "TPD",
        &["--sched-runtime", "--sched-period", "--sched-deadline"],
        Inner::Command(1),
        "https://man7.org/linux/man-pages/man1/chrt.1.html",
    ),
    row("cpulimit", "l", &["--limit"], Inner::Command(0), "https://manpages.debian.org/cpulimit.1"),
    row("daemonize", "acelopu", &[], Inner::Command(0), "https://software.clapper.org/daemonize/daemonize.html"),
    row("dash", "o", &[], Inner::Shell, "https://manpages.debian.org/dash.1"),
    row(
        "dbus-launch",
        "",
        &["--config-file"],
        Inner::Command(0),
        "https://dbus.freedesktop.org/doc/dbus-launch.1.html",
    ),
    row(
        "dbus-run-session",
        "",
        &["--config-file", "--dbus-daemon"],
        Inner::Command(0),
        "https://dbus.freedesktop.org/doc/dbus-run-session.1.html",
    ),
    row("doas", "Cu", &[], Inner::Command(0), "https://man.openbsd.org/doas.1"),
    row("docker", "", &[], Inner::Nothing, "https://docs.docker.com/reference/cli/docker/container/exec/"),
    row("dumb-init", "r", &["--rewrite"], Inner::Command(0), "https://github.com/Yelp/dumb-init#usage"),
    row("eatmydata", "", &[], Inner::Command(0), "https://manpages.debian.org/eatmydata.1"),
    setting(
        "env",
        "uC",
        &["--unset", "--chdir", "--argv0"],
        "S",
        "https://www.gnu.org/software/coreutils/manual/html_node/env-invocation.html",
    ),
    setting("exec-with-env", "", &[], "", S6_OVERLAY),
    row("fakeroot", "lsib", &["--lib", "--faked"], Inner::Command(0), "https://manpages.debian.org/fakeroot.1"),
    row("faketime", "fp", &["--exclude-monotonic"], Inner::Command(1), "https://manpages.debian.org/faketime.1"),
    row("find", "", &[], Inner::Find, "https://www.gnu.org/software/findutils/manual/html_mono/find.html#Run-Commands"),
    row(
        "flock",
        "wE",
        &["--wait", "--timeout", "--conflict-exit-code"],
        Inner::CommandOrCode(1),
        "https://man7.org/linux/man-pages/man1/flock.1.html",
    ),
    row("foreground", "", &[], Inner::Nothing, EXECLINE),
    row("gosu", "", &[], Inner::Command(1), "https://github.com/tianon/gosu#usage"),
    row(
        "ionice",
        "cnpPu",
        &["--class", "--classdata", "--pid"],
        Inner::Command(0),
        "https://man7.org/linux/man-pages/man1/ionice.1.html",
    ),
    row("ksh", "o", &[], Inner::Shell, SHELLS),
    row("kubectl", "", &[], Inner::Nothing, "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_exec/"),
    row("linux32", "", &[], Inner::Command(0), "https://man7.org/linux/man-pages/man8/setarch.8.html"),
    row("linux64", "", &[], Inner::Command(0), "https://man7.org/linux/man-pages/man8/setarch.8.html"),
    row("logger", "", &[], Inner::Nothing, "https://man7.org/linux/man-pages/man1/logger.1.html"),
    row("ltrace", "aAbeDFlnopsuwx", &[], Inner::Command(0), "https://man7.org/linux/man-pages/man1/ltrace.1.html"),
    row(
        "nerdctl",
        "",
        &[],
        Inner::Nothing,
        "https://github.com/containerd/nerdctl/blob/main/docs/command-reference.md",
    ),
    row("nice", "n", &["--adjustment"], Inner::Command(0), COREUTILS),
    row("nohup", "", &[], Inner::Command(0), COREUTILS),
    row(
        "nsenter",
        "tGSW?muinpUCTrw",
        &["--target", "--setuid", "--setgid"],
        Inner::Namespace,
        "https://man7.org/linux/man-pages/man1/nsenter.1.html",
    ),
    row(
        "numactl",
        "pmNCil",
        &["--interleave", "--membind", "--cpunodebind", "--physcpubind", "--preferred"],
        Inner::Command(0),
        "https://manpages.debian.org/numactl.8",
    ),
    row(
        "parallel",
        "jaISdNnLlPC",
        &[
            "--jobs",
            "--arg-file",
            "--max-args",
            "--delay",
            "--joblog",
            "--tmpdir",
            "--colsep",
            "--results",
            "--retries",
            "--timeout",
        ],
        Inner::Command(0),
        "https://www.gnu.org/software/parallel/man.html",
    ),
    row("pg_virtualenv", "vco", &[], Inner::Command(0), "https://manpages.debian.org/pg_virtualenv.1"),
    row(
        "pkexec",
        "",
        &["--user"],
        Inner::Command(0),
        "https://www.freedesktop.org/software/polkit/docs/latest/pkexec.1.html",
    ),
    row("podman", "", &[], Inner::Nothing, "https://docs.podman.io/en/latest/markdown/podman-exec.1.html"),
    row("prlimit", "", &[], Inner::Command(0), "https://man7.org/linux/man-pages/man1/prlimit.1.html"),
    row("proot", "rbwqkp", &["--rootfs", "--bind", "--cwd"], Inner::Nothing, "https://proot-me.github.io/"),
    row("proxychains", "f", &[], Inner::Command(0), "https://github.com/haad/proxychains"),
    row("proxychains4", "f", &[], Inner::Command(0), "https://github.com/rofl0r/proxychains-ng"),
    row("rsh", "l", &[], Inner::Nothing, "https://manpages.debian.org/rsh.1"),
    row(
        "runuser",
        "ugGcsw",
        &["--user", "--group", "--supp-group", "--command", "--shell", "--whitelist-environment"],
        Inner::Su,
        "https://man7.org/linux/man-pages/man1/runuser.1.html",
    ),
    row("s6-applyuidgid", "ugGUz", &[], Inner::Command(0), S6),
    row("s6-env", "u", &[], Inner::Command(0), PORTABLE),
    row("s6-envdir", "", &[], Inner::Command(1), S6),
    row("s6-envuidgid", "D", &[], Inner::Command(1), S6),
    row("s6-fdholder-store", "tdT", &[], Inner::Nothing, S6),
    row("s6-ipcserver", "qQvdlDaGbcC", &[], Inner::Command(1), S6),
    row("s6-log", "", &[], Inner::Nothing, S6),
    row("s6-nice", "nI", &[], Inner::Command(0), PORTABLE),
    row("s6-notifyoncheck", "3cnsTtw", &[], Inner::Command(0), S6),
    row("s6-setlock", "tdrn", &[], Inner::Command(1), S6),
    row("s6-setsid", "", &[], Inner::Command(0), S6),
    row("s6-setuidgid", "", &[], Inner::Command(1), S6),
    row("s6-softlimit", "acdflmoprst", &[], Inner::Command(0), S6),
    row("s6-sudo", "eTt", &[], Inner::Nothing, S6),
    row("setarch", "", &[], Inner::Command(1), "https://man7.org/linux/man-pages/man8/setarch.8.html"),
    row(
        "setpriv",
        "",
        &[
            "--reuid",
            "--regid",
            "--groups",
            "--inh-caps",
            "--ambient-caps",
            "--bounding-set",
            "--securebits",
            "--pdeathsig",
            "--selinux-label",
            "--apparmor-profile",
            "--ruid",
            "--euid",
            "--rgid",
            "--egid",
        ],
        Inner::Command(0),
        "https://man7.org/linux/man-pages/man1/setpriv.1.html",
    ),
    row("setsid", "", &[], Inner::Command(0), "https://man7.org/linux/man-pages/man1/setsid.1.html"),
    row("setuidgid", "", &[], Inner::Command(1), "https://cr.yp.to/daemontools/setuidgid.html"),
    row(
        "setuser",
        "",
        &[],
        Inner::Command(1),
        "https://github.com/phusion/baseimage-docker/blob/master/image/bin/setuser",
    ),
    row("sh", "o", &[], Inner::Shell, SHELLS),
    row("softlimit", "adfmprst", &[], Inner::Command(0), "https://cr.yp.to/daemontools/softlimit.html"),
    row("ssh", "BbcDEeFIiJLlmOopPQRSWw", &[], Inner::Nothing, "https://man.openbsd.org/ssh.1"),
    row("sshpass", "fdpPe", &[], Inner::Command(0), "https://manpages.debian.org/sshpass.1"),
    row(
        "start-stop-daemon",
        "xnpugckrRISNPdais",
        &[
            "--exec",
            "--name",
            "--pidfile",
            "--user",
            "--group",
            "--chuid",
            "--startas",
            "--signal",
            "--retry",
            "--chdir",
            "--nicelevel",
            "--stdout",
            "--stderr",
            "--umask",
        ],
        Inner::Daemon,
        "https://manpages.debian.org/start-stop-daemon.8",
    ),
    row("stdbuf", "ioe", &["--input", "--output", "--error"], Inner::Command(0), COREUTILS),
    row("strace", "abEeIoOpPsSuUX", &[], Inner::Command(0), "https://man7.org/linux/man-pages/man1/strace.1.html"),
    row(
        "su",
        "cgGsw",
        &["--command", "--group", "--supp-group", "--shell", "--whitelist-environment"],
        Inner::Su,
        "https://man7.org/linux/man-pages/man1/su.1.html",
    ),
    row("su-exec", "", &[], Inner::Command(1), "https://github.com/ncopa/su-exec#readme"),
    setting(
        "sudo",
        "CDghpRrTtUu",
        &[
            "--close-from",
            "--chdir",
            "--group",
            "--host",
            "--prompt",
            "--chroot",
            "--role",
            "--command-timeout",
            "--type",
            "--other-user",
            "--user",
        ],
        "",
        "https://www.sudo.ws/docs/man/sudo.man/",
    ),
    row(
        "systemd-cat",
        "tp",
        &["--identifier", "--priority"],
        Inner::Command(0),
        "https://www.freedesktop.org/software/systemd/man/systemd-cat.html",
    ),
    row("taskset", "", &[], Inner::Command(1), "https://man7.org/linux/man-pages/man1/taskset.1.html"),
    row(
        "time",
        "fo",
        &["--format", "--output"],
        Inner::Command(0),
        "https://man7.org/linux/man-pages/man1/time.1.html",
    ),
    row("timeout", "ks", &["--kill-after", "--signal"], Inner::Command(1), COREUTILS),
    row("tini", "pe", &[], Inner::Command(0), "https://github.com/krallin/tini#usage"),
    row("tini-static", "pe", &[], Inner::Command(0), "https://github.com/krallin/tini#usage"),
    row(
        "torsocks",
        "aPuf",
        &["--address", "--port", "--user", "--pass"],
        Inner::Command(0),
        "https://manpages.debian.org/torsocks.1",
    ),
    row("unbuffer", "", &[], Inner::Command(0), "https://manpages.debian.org/unbuffer.1"),
    row(
        "unshare",
        "wRSG",
        &[
            "--wd",
            "--root",
            "--setuid",
            "--setgid",
            "--map-user",
            "--map-group",
            "--map-users",
            "--map-groups",
            "--propagation",
            "--setgroups",
            "--boottime",
            "--monotonic",
        ],
        Inner::Command(0),
        "https://man7.org/linux/man-pages/man1/unshare.1.html",
    ),
    row("watch", "nq", &["--interval", "--equexit"], Inner::Code, "https://man7.org/linux/man-pages/man1/watch.1.html"),
    setting("with-contenv", "", &[], "", S6_OVERLAY),
    row(
        "xargs",
        "adEILnPs?ile",
        &[
            "--arg-file",
            "--delimiter",
            "--eof",
            "--replace",
            "--max-lines",
            "--max-args",
            "--max-procs",
            "--max-chars",
            "--process-slot-var",
        ],
        Inner::Command(0),
        "https://www.gnu.org/software/findutils/manual/html_mono/find.html#Invoking-xargs",
    ),
    row(
        "xvfb-run",
        "efnpsw",
        &["--error-file", "--auth-file", "--server-num", "--xauth-protocol", "--server-args", "--wait"],
        Inner::Command(0),
        "https://manpages.debian.org/xvfb-run.1",
    ),
    row("zsh", "o", &[], Inner::Shell, "https://zsh.sourceforge.io/Doc/Release/Invocation.html"),
];

/// The wrapper of that name.
pub(super) fn wrapper(name: &str) -> Option<&'static Wrapper> {
    WRAPPERS.iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_sorted_and_sourced() {
        for pair in WRAPPERS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} before {}", pair[0].name, pair[1].name);
        }
        for row in &WRAPPERS {
            assert!(row.source.starts_with("http"), "{}", row.name);
            assert!(row.long.iter().all(|option| option.starts_with("--")), "{}", row.name);
        }
    }
}
