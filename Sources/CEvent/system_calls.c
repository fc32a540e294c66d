/* The system calls that a process keeps (seccomp(2), by libseccomp). Three answers to a call:
 *   allowed     what the gateway needs. Without conditions on arguments wherever possible: the kernel (5.11 and later) then finds
 *               the number in a bitmap and runs no filter, so that the calls of a request cost next to nothing;
 *   killed      what no build of this program makes and an attacker would: the process ends, and its parent says so;
 *   ENOSYS      all others, as an older kernel would say: a libc that tries something newer falls back. */
#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* The hot ones first. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(accept4),
    SCMP_SYS(close),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt),
    SCMP_SYS(connect),
    SCMP_SYS(writev),
    SCMP_SYS(readv),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(fcntl),
    /* sockets */
    SCMP_SYS(accept),
    SCMP_SYS(bind),
    SCMP_SYS(getpeername),
    SCMP_SYS(getsockname),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    /* descriptors */
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(lseek),
    /* files that are there, to read */
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(preadv2),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(fadvise64),
    SCMP_SYS(readahead),
    SCMP_SYS(fstatfs),
    SCMP_SYS(statfs),
    /* memory */
    SCMP_SYS(munmap),
    SCMP_SYS(madvise),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    /* time, chance, waiting */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getrandom),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(restart_syscall),
    /* the process itself */
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getresuid),
    SCMP_SYS(getresgid),
    SCMP_SYS(getgroups),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage),
    SCMP_SYS(times),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getcpu),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(membarrier),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* What a parent does, and its children until they have a filter of their own. */
static const int supervisors[] = {
    SCMP_SYS(kill),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    SCMP_SYS(signalfd4),
    SCMP_SYS(listen),
    SCMP_SYS(seccomp),
    SCMP_SYS(landlock_create_ruleset),
    SCMP_SYS(landlock_add_rule),
    SCMP_SYS(landlock_restrict_self),
};

/* Other programs, other processes, other users, the kernel, the machine. */
static const int killed[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(capset),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(personality),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(syslog),
    SCMP_SYS(vhangup),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
};

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count) {
    int result = 0;
    for (size_t index = 0; index < count && result == 0; index += 1) {
        /* Calls that this architecture does not have are left out. */
        result = calls[index] < 0 ? 0 : seccomp_rule_add(filter, action, calls[index], 0);
    }
    return result;
}

/* An argument that under the mask has this value. */
static struct scmp_arg_cmp argument(unsigned index, uint64_t mask, uint64_t value) {
    return (struct scmp_arg_cmp){ .arg = index, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value };
}

/* Allows a call with such an argument. */
static int allow_if(scmp_filter_ctx filter, int call, unsigned index, uint64_t mask, uint64_t value) {
    struct scmp_arg_cmp condition = argument(index, mask, value);
    return call < 0 ? 0 : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &condition);
}

/* Streams and datagrams of IP, and what getifaddrs(3) asks for local addresses. No raw or packet socket, and none of AF_UNIX, which
 * leads to other services of the machine; a pair of those leads nowhere. */
static int allow_sockets(scmp_filter_ctx filter) {
    enum { TYPE_MASK = 0xf, ROUTE_PROTOCOL = 0 };
    const struct scmp_arg_cmp sockets[][2] = {
        { argument(0, UINT32_MAX, AF_INET), argument(1, TYPE_MASK, SOCK_STREAM) },
        { argument(0, UINT32_MAX, AF_INET), argument(1, TYPE_MASK, SOCK_DGRAM) },
        { argument(0, UINT32_MAX, AF_INET6), argument(1, TYPE_MASK, SOCK_STREAM) },
        { argument(0, UINT32_MAX, AF_INET6), argument(1, TYPE_MASK, SOCK_DGRAM) },
        { argument(0, UINT32_MAX, AF_NETLINK), argument(2, UINT32_MAX, ROUTE_PROTOCOL) },
    };
    int result = 0;
    for (size_t index = 0; index < COUNT(sockets) && result == 0; index += 1) {
        result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, sockets[index]);
    }
    return result != 0 ? result : allow_if(filter, SCMP_SYS(socketpair), 0, UINT32_MAX, AF_UNIX);
}

/* No memory becomes code, no file is opened to be written or made, no terminal is typed into, and nobody else is signalled. */
static int allow_conditionally(scmp_filter_ctx filter) {
    enum { WRITING = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND };
    static const unsigned long requests[] = { FIONREAD, FIONBIO, TCGETS };
    int result = allow_if(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
    result = result != 0 ? result : allow_if(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
    result = result != 0 ? result : allow_if(filter, SCMP_SYS(openat), 2, WRITING, O_RDONLY);
    result = result != 0 ? result : allow_if(filter, SCMP_SYS(prlimit64), 0, UINT32_MAX, 0);
    for (size_t index = 0; index < COUNT(requests) && result == 0; index += 1) {
        result = allow_if(filter, SCMP_SYS(ioctl), 1, UINT32_MAX, requests[index]);
    }
    return result != 0 ? result : allow_sockets(filter);
}

static int add_role(scmp_filter_ctx filter, ce_process_role role) {
    if (role == CE_ROLE_SERVING) {
        uint64_t own = (uint64_t)getpid();
        int result = allow_if(filter, SCMP_SYS(kill), 0, UINT32_MAX, own);
        return result != 0 ? result : allow_if(filter, SCMP_SYS(tgkill), 0, UINT32_MAX, own);
    }
    /* abort(3) in a child that has no filter of its own yet names the child. */
    int result = add_all(filter, SCMP_ACT_ALLOW, supervisors, COUNT(supervisors));
    result = result != 0 ? result : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 0);
    /* glibc's fork, and no thread or namespace. */
    enum { FORK = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD };
    result = result != 0 ? result : allow_if(filter, SCMP_SYS(clone), 0, UINT64_MAX, FORK);
    static const int options[] = { PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP };
    for (size_t index = 0; index < COUNT(options) && result == 0; index += 1) {
        result = allow_if(filter, SCMP_SYS(prctl), 0, UINT32_MAX, (uint64_t)options[index]);
    }
    return result;
}

static int build(scmp_filter_ctx filter, ce_process_role role) {
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    /* A binary tree instead of a list, for kernels without the bitmap. */
    result = result != 0 ? result : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    result = result != 0 ? result : add_all(filter, SCMP_ACT_KILL_PROCESS, killed, COUNT(killed));
    result = result != 0 ? result : add_all(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
    result = result != 0 ? result : allow_conditionally(filter);
    return result != 0 ? result : add_role(filter, role);
}

bool ce_system_calls_restrict(ce_process_role role, ce_error *error) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0) {
        ce_error_set(error, "no_new_privs: %s", strerror(errno));
        return false;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int result = filter == NULL ? -ENOMEM : build(filter, role);
    result = result != 0 ? result : seccomp_load(filter);
    seccomp_release(filter);
    if (result != 0) {
        ce_error_set(error, "seccomp: %s", strerror(-result));
    }
    return result == 0;
}
