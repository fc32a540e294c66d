/* What a gateway that has been taken over might try, behind the gateway's own filter:
 *   attempts ROLE DIRECTORY PORT ATTEMPT [PATH or PORT]
 * ROLE is serving, supervisor, worker (which has the filters of both) or none. Of files DIRECTORY stays readable, of TCP ports PORT; with
 * DIRECTORY `-` there is no Landlock. Prints `allowed`, or the errno's name; a killed process prints nothing. */
#define _GNU_SOURCE
#include "CEvent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *operand;

static long try_execve(void) {
    char *arguments[] = { "/bin/true", NULL };
    return execve(arguments[0], arguments, NULL);
}

static long try_execveat(void) {
    return syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0);
}

static long try_ptrace(void) {
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long try_other_memory(void) {
    return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static long try_setuid(void) {
    return setuid(0);
}

static long try_bpf(void) {
    return syscall(SYS_bpf, 0, NULL, 0);
}

static long try_io_uring(void) {
    return syscall(SYS_io_uring_setup, 1, NULL);
}

static long try_mount(void) {
    return syscall(SYS_mount, NULL, NULL, NULL, 0, NULL);
}

static long try_namespace(void) {
    return syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */);
}

static long try_fork(void) {
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    return child < 0 ? -1 : waitpid(child, NULL, 0);
}

static void *nothing(void *argument) {
    return argument;
}

static long try_thread(void) {
    pthread_t thread;
    errno = pthread_create(&thread, NULL, nothing, NULL);
    return errno == 0 ? pthread_join(thread, NULL) : -1;
}

static long try_kill_parent(void) {
    return kill(getppid(), 0);
}

static long try_kill_self(void) {
    return kill(getpid(), 0);
}

static long try_abort(void) {
    abort();
}

static long try_raw_socket(void) {
    return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static long try_packet_socket(void) {
    return socket(AF_PACKET, SOCK_DGRAM, 0);
}

static long try_unix_socket(void) {
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long try_vsock(void) {
    return socket(AF_VSOCK, SOCK_STREAM, 0);
}

static long try_ip_socket(void) {
    return socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static long try_executable_memory(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long try_making_memory_executable(void) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long try_memory_file(void) {
    return syscall(SYS_memfd_create, "x", 0);
}

static long try_number_of_the_future(void) {
    return syscall(1234);
}

static long try_typing(void) {
    return ioctl(0, 0x5412 /* TIOCSTI */, "x");
}

static long try_reading(void) {
    return open(operand, O_RDONLY);
}

static long try_listing(void) {
    return open(operand, O_RDONLY | O_DIRECTORY);
}

static long try_writing(void) {
    return open(operand, O_WRONLY);
}

static long try_read_and_write(void) {
    return open(operand, O_RDWR);
}

static long try_creating(void) {
    return open(operand, O_RDONLY | O_CREAT, 0600);
}

static long try_truncating(void) {
    return open(operand, O_RDONLY | O_TRUNC);
}

static long try_unlinking(void) {
    return unlink(operand);
}

static long try_renaming(void) {
    return rename(operand, "/tmp/renamed");
}

static long try_changing_mode(void) {
    return chmod(operand, 0777);
}

static struct sockaddr_in local(void) {
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)atoi(operand)),
                                 .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static long try_connecting(void) {
    struct sockaddr_in target = local();
    int result = connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&target, sizeof target);
    return result != 0 && errno == ECONNREFUSED ? 0 : result;
}

static long try_binding(void) {
    struct sockaddr_in target = local();
    return bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&target, sizeof target);
}

static const struct attempt {
    const char *name;
    long (*make)(void);
} attempts[] = {
    { "execve", try_execve },
    { "execveat", try_execveat },
    { "ptrace", try_ptrace },
    { "process_vm_readv", try_other_memory },
    { "setuid", try_setuid },
    { "bpf", try_bpf },
    { "io_uring", try_io_uring },
    { "mount", try_mount },
    { "unshare", try_namespace },
    { "fork", try_fork },
    { "thread", try_thread },
    { "kill-parent", try_kill_parent },
    { "kill-self", try_kill_self },
    { "abort", try_abort },
    { "raw-socket", try_raw_socket },
    { "packet-socket", try_packet_socket },
    { "unix-socket", try_unix_socket },
    { "vsock", try_vsock },
    { "ip-socket", try_ip_socket },
    { "executable-memory", try_executable_memory },
    { "make-executable", try_making_memory_executable },
    { "memfd", try_memory_file },
    { "unknown-call", try_number_of_the_future },
    { "type-into-terminal", try_typing },
    { "read", try_reading },
    { "list", try_listing },
    { "write", try_writing },
    { "read-write", try_read_and_write },
    { "create", try_creating },
    { "truncate", try_truncating },
    { "unlink", try_unlinking },
    { "rename", try_renaming },
    { "chmod", try_changing_mode },
    { "connect", try_connecting },
    { "bind", try_binding },
};

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(2);
}

static void restrict_process(const char *role, const char *directory, const char *port) {
    ce_error error = { "" };
    uint16_t ports[] = { (uint16_t)atoi(port) };
    /* A directory that begins with + may be written too. */
    bool writes = directory[0] == '+';
    directory += writes ? 1 : 0;
    ce_landlock_rules rules = { .paths = &directory,
                                .path_count = 1,
                                .written = &directory,
                                .written_count = writes ? 1 : 0,
                                .ports = ports,
                                .port_count = 1 };
    if (strcmp(directory, "-") != 0 && ce_landlock_restrict(&rules, &error) < 1) {
        fail("no Landlock", error.reason);
    }
    if (strcmp(role, "none") == 0) {
        return;
    }
    /* With a parent before it: of workers alone, or of the state process too. */
    bool with_keys = strcmp(role, "worker-with-keys") == 0 || strcmp(role, "state") == 0;
    bool has_parent = with_keys || strcmp(role, "worker") == 0;
    ce_process_role own = strcmp(role, "supervisor") == 0 ? CE_ROLE_SUPERVISOR
        : strcmp(role, "state") == 0                      ? CE_ROLE_STATE
                                                          : CE_ROLE_SERVING;
    bool restricted = !has_parent || ce_system_calls_restrict(CE_ROLE_SUPERVISOR, with_keys, &error);
    if (!restricted || !ce_system_calls_restrict(own, false, &error)) {
        fail("no seccomp", error.reason);
    }
}

int main(int count, char **arguments) {
    if (count < 5) {
        fail("usage", "attempts ROLE DIRECTORY PORT ATTEMPT [OPERAND]");
    }
    operand = count > 5 ? arguments[5] : "";
    for (size_t index = 0; index < sizeof attempts / sizeof *attempts; index += 1) {
        if (strcmp(attempts[index].name, arguments[4]) == 0) {
            restrict_process(arguments[1], arguments[2], arguments[3]);
            long result = attempts[index].make();
            puts(result < 0 ? strerrorname_np(errno) : "allowed");
            return 0;
        }
    }
    fail(arguments[4], "no such attempt");
}
