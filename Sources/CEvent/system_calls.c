/* The system calls that a process keeps (seccomp(2), by libseccomp). Three answers to a call:
 *   allowed     what the gateway needs. Without conditions on arguments wherever possible: the kernel (5.11 and later) then finds
 *               the number in a bitmap and runs no filter, so that the calls of a request cost next to nothing;
 *   killed      what no build of this program makes and an attacker would: the process ends, and its parent says so;
 *   ENOSYS      all others, as an older kernel would say: a libc that tries something newer falls back. */
#define _GNU_SOURCE
#include "loop.h"
#include "system_call_lists.h"

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

/* No memory becomes executable, no input is pushed into a terminal, and no other process is signalled. */
static int allow_conditionally(scmp_filter_ctx filter) {
    static const unsigned long requests[] = { FIONREAD, FIONBIO, TCGETS };
    int result = allow_if(filter, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
    result = result != 0 ? result : allow_if(filter, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
    result = result != 0 ? result : allow_if(filter, SCMP_SYS(prlimit64), 0, UINT32_MAX, 0);
    for (size_t index = 0; index < COUNT(requests) && result == 0; index += 1) {
        result = allow_if(filter, SCMP_SYS(ioctl), 1, UINT32_MAX, requests[index]);
    }
    return result != 0 ? result : allow_sockets(filter);
}

/* The state process writes files, and so does a serving process with a file cache; Landlock restricts which. For all others no file is opened for
 * writing or made. */
static int add_files(scmp_filter_ctx filter, ce_process_role role, bool writes) {
    enum { WRITING = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND };
    if (!writes) {
        return allow_if(filter, SCMP_SYS(openat), 2, WRITING, O_RDONLY);
    }
    int result = add_all(filter, SCMP_ACT_ALLOW, file_writers, COUNT(file_writers));
    bool moves = role != CE_ROLE_STATE;
    return result != 0 || !moves ? result : add_all(filter, SCMP_ACT_ALLOW, file_movers, COUNT(file_movers));
}

static int add_role(scmp_filter_ctx filter, ce_process_role role) {
    if (role != CE_ROLE_SUPERVISOR) {
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

static int build(scmp_filter_ctx filter, ce_process_role role, bool writes) {
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    /* A binary tree instead of a list, for kernels without the bitmap. */
    result = result != 0 ? result : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    result = result != 0 ? result : add_all(filter, SCMP_ACT_KILL_PROCESS, killed, COUNT(killed));
    result = result != 0 ? result : add_all(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
    result = result != 0 ? result : allow_conditionally(filter);
    result = result != 0 ? result : add_files(filter, role, writes);
    return result != 0 ? result : add_role(filter, role);
}

bool ce_system_calls_restrict(ce_process_role role, bool children_write, ce_error *error) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0) {
        ce_error_set(error, "no_new_privs: %s", strerror(errno));
        return false;
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int result = filter == NULL ? -ENOMEM : build(filter, role, role == CE_ROLE_STATE || children_write);
    result = result != 0 ? result : seccomp_load(filter);
    seccomp_release(filter);
    if (result != 0) {
        ce_error_set(error, "seccomp: %s", strerror(-result));
    }
    return result == 0;
}
