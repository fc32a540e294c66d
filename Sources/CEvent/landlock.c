/* Landlock (landlock(7)): the process gives up files and ports by itself, with no rights and no policy of the machine's. libc has no
 * functions for it, and Debian 12's header knows less than newer kernels, so what both lack is here. */
#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 }; /* the same on every architecture */
enum { ASK_VERSION = 1 };
enum { RULE_PATH = 1, RULE_PORT = 2 };
enum {
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIRECTORY = 1 << 3,
    REMOVE_FILE = 1 << 5,
    MAKE_FILE = 1 << 8,
    TRUNCATE = 1 << 14
};
enum { BIND_TCP = 1 << 0, CONNECT_TCP = 1 << 1 };

struct ruleset {
    uint64_t files;
    uint64_t ports;
};

struct path_rule {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

struct port_rule {
    uint64_t allowed;
    uint64_t port;
};

/* All rights of an ABI: what is handled and not allowed is refused. */
static uint64_t file_rights(long abi) {
    static const int count[] = { 0, 13, 14, 15, 15, 16 };
    enum { NEWEST = sizeof count / sizeof *count - 1 };
    return (1ULL << count[abi < NEWEST ? abi : NEWEST]) - 1;
}

static bool add_path(int ruleset, const char *path, uint64_t also) {
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP;
    }
    struct stat status;
    bool is_directory = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
    struct path_rule rule = { .allowed = (is_directory ? READ_FILE | READ_DIRECTORY : READ_FILE) | also, .parent = fd };
    bool added = syscall(ADD_RULE, ruleset, RULE_PATH, &rule, 0) == 0;
    int reason = errno;
    close(fd);
    errno = reason;
    return added;
}

static bool add_port(int ruleset, uint16_t port) {
    struct port_rule rule = { .allowed = CONNECT_TCP, .port = port };
    return syscall(ADD_RULE, ruleset, RULE_PORT, &rule, 0) == 0;
}

static bool add_rules(int ruleset, const ce_landlock_rules *rules, long abi) {
    bool has_ports = abi >= 4;
    uint64_t writing = (WRITE_FILE | REMOVE_FILE | MAKE_FILE | TRUNCATE) & file_rights(abi);
    for (size_t index = 0; index < rules->written_count; index += 1) {
        if (!add_path(ruleset, rules->written[index], writing)) {
            return false;
        }
    }
    for (size_t index = 0; index < rules->path_count; index += 1) {
        if (!add_path(ruleset, rules->paths[index], 0)) {
            return false;
        }
    }
    for (size_t index = 0; has_ports && index < rules->port_count; index += 1) {
        if (!add_port(ruleset, rules->ports[index])) {
            return false;
        }
    }
    return true;
}

int32_t ce_landlock_restrict(const ce_landlock_rules *rules, ce_error *error) {
    long abi = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    if (abi < 1) {
        return 0;
    }
    struct ruleset handled = { .files = file_rights(abi), .ports = BIND_TCP | CONNECT_TCP };
    bool has_ports = abi >= 4;
    int ruleset = (int)syscall(CREATE_RULESET, &handled, has_ports ? sizeof handled : sizeof handled.files, 0);
    bool restricted = ruleset >= 0 && add_rules(ruleset, rules, abi) && prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0
        && syscall(RESTRICT_SELF, ruleset, 0) == 0;
    if (!restricted) {
        ce_error_set(error, "Landlock: %s", strerror(errno));
    }
    if (ruleset >= 0) {
        close(ruleset);
    }
    return restricted ? (int32_t)abi : -1;
}
