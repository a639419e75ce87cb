/* Starts programs as Go's os/exec and the kernel do, and says how each began.
 *
 * Reads names from the file named by the first argument, one a line. For each: looks it up (a slash: as it is; else the first
 * file on PATH that is no folder and may be executed), starts it with no arguments, empty input, output thrown away, in a
 * process group of its own that is ended after a moment. Prints `name TAB how TAB code TAB first words of its stderr`, where how is
 * `lookup` or `exec` with an errno, `exit` with a status, `signal` with a number, or `runs`. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int usable(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) return errno;
    if (S_ISDIR(st.st_mode)) return EISDIR;
    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

/* The order in which failures are worth telling: nothing there, a link without a target, not permitted. */
static int look_up(const char *name, char *out, size_t size) {
    if (strchr(name, '/')) {
        snprintf(out, size, "%s", name);
        return usable(out);
    }
    int worst = ENOENT;
    char *path = strdup(getenv("PATH") ? getenv("PATH") : "/bin"), *save = NULL;
    for (char *dir = strtok_r(path, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
        snprintf(out, size, "%s/%s", dir, name);
        int error = usable(out);
        if (error == 0) { free(path); return 0; }
        if (error == EACCES || error == EISDIR) worst = error;
    }
    free(path);
    return worst;
}

static void start(const char *name) {
    char path[4096], words[1024];
    int report[2], err[2], error = look_up(name, path, sizeof path);
    if (error) {
        printf("%s\tlookup\t%d\t\n", name, error);
        return;
    }
    if (pipe2(report, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) exit(3);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0); dup2(null, 1); dup2(err[1], 2);
        char *argv[] = { (char *)name, NULL };
        execv(path, argv);
        error = errno;
        if (write(report[1], &error, sizeof error) < 0) _exit(126);
        _exit(126);
    }
    close(report[1]); close(err[1]);
    error = 0;
    if (read(report[0], &error, sizeof error) < 0) error = -1;
    int status = 0, ended = 0;
    for (int i = 0; i < 60 && !ended; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid) { ended = 1; break; }
        struct timespec pause = { 0, 10 * 1000 * 1000 };
        nanosleep(&pause, NULL);
    }
    kill(-pid, SIGKILL);
    if (!ended) waitpid(pid, &status, 0);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    ssize_t count = read(err[0], words, sizeof words - 1);
    words[count > 0 ? count : 0] = 0;
    for (char *c = words; *c; c++) if (*c == '\n' || *c == '\t' || *c == '\r') *c = ' ';
    close(report[0]); close(err[0]);
    if (error) printf("%s\texec\t%d\t%s\n", name, error, words);
    else if (!ended) printf("%s\truns\t0\t%s\n", name, words);
    else if (WIFSIGNALED(status)) printf("%s\tsignal\t%d\t%s\n", name, WTERMSIG(status), words);
    else printf("%s\texit\t%d\t%s\n", name, WEXITSTATUS(status), words);
    fflush(stdout);
    while (waitpid(-1, &status, WNOHANG) > 0) {}
}

int main(int argc, char **argv) {
    char line[4096];
    FILE *names = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (!names) return 2;
    signal(SIGTERM, SIG_IGN); signal(SIGINT, SIG_IGN); signal(SIGHUP, SIG_IGN); signal(SIGQUIT, SIG_IGN);
    while (fgets(line, sizeof line, names)) {
        line[strcspn(line, "\n")] = 0;
        if (*line) start(line);
    }
    return 0;
}
