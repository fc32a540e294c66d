/* Processes that serve in parallel, and the parent that starts them. The parent has no event loop: what it forks could not share one. */
/* For sigabbrev_np and the processor set. */
#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static sigset_t parents_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    return set;
}

int ce_parent_signals(void) {
    signal(SIGPIPE, SIG_IGN);
    sigset_t set = parents_signals();
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int ce_parent_next_signal(int fd) {
    struct signalfd_siginfo signal;
    return read(fd, &signal, sizeof signal) == sizeof signal ? (int)signal.ssi_signo : 0;
}

int32_t ce_fork(int *line) {
    if (ce_loop_exists()) {
        /* Parent and child would share its epoll set, and each hear of the other's sockets. */
        errno = EBUSY;
        return -1;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return -1;
    }
    pid_t parent = getpid();
    pid_t child = fork();
    int reason = errno;
    *line = ends[child == 0 ? 1 : 0];
    close(ends[child == 0 ? 0 : 1]);
    if (child < 0) {
        close(*line);
        errno = reason;
    }
    if (child == 0) {
        /* Without its parent a worker is not restarted, and would keep the port. */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(1);
        }
    }
    return child;
}

void ce_child_unblock_signals(void) {
    sigset_t set = parents_signals();
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

bool ce_child_ended(ce_child_end *end) {
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) {
        return false;
    }
    *end = (ce_child_end){ .pid = pid,
                           .code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                           .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0 };
    return true;
}

const char *ce_signal_name(int number) {
    const char *name = sigabbrev_np(number);
    return name == NULL ? "unknown" : name;
}

uint32_t ce_processors(void) {
    cpu_set_t set;
    /* More processors than the set has places: all of them, then. */
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        return online < 1 ? 1 : (uint32_t)online;
    }
    return (uint32_t)CPU_COUNT(&set);
}
