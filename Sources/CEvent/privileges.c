/* From root to a user without rights. */
#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool failed(ce_error *error, const char *what) {
    ce_error_set(error, "%s: %s", what, strerror(errno));
    return false;
}

/* What no exec can give back either. Without CAP_SETPCAP the kernel refuses: then no_new_privs is all there is. */
static void empty_bounding_set(void) {
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0L, 0L, 0L) >= 0; capability += 1) {
        (void)prctl(PR_CAPBSET_DROP, capability, 0L, 0L, 0L);
    }
}

static bool clear_capabilities(ce_error *error) {
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
    return syscall(SYS_capset, &header, none) == 0 || failed(error, "cannot give up capabilities");
}

static bool is_dropped(uint32_t user, uint32_t group) {
    uid_t users[3];
    gid_t groups[3];
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct left[_LINUX_CAPABILITY_U32S_3];
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
    return getresuid(&users[0], &users[1], &users[2]) == 0 && users[0] == user && users[1] == user && users[2] == user
        && getresgid(&groups[0], &groups[1], &groups[2]) == 0 && groups[0] == group && groups[1] == group
        && groups[2] == group && getgroups(0, NULL) == 0 && syscall(SYS_capget, &header, left) == 0
        && memcmp(left, none, sizeof left) == 0;
}

bool ce_privileges_drop(uint32_t user, uint32_t group, ce_error *error) {
    if (user == 0) {
        ce_error_set(error, "root is no user without rights");
        return false;
    }
    /* A change of user takes this away, and with it a debug build's debuggers and leak checker. */
    int dumpable = prctl(PR_GET_DUMPABLE);
    empty_bounding_set();
    /* The groups first: without root's rights they could not be given up any more. */
    if (setgroups(0, NULL) != 0) {
        return failed(error, "cannot give up supplementary groups");
    }
    if (setresgid(group, group, group) != 0) {
        return failed(error, "cannot change the group");
    }
    if (setresuid(user, user, user) != 0) {
        return failed(error, "cannot change the user");
    }
    if (!clear_capabilities(error)) {
        return false;
    }
    if (!is_dropped(user, group) || setuid(0) == 0 || (group != 0 && setgid(0) == 0)) {
        ce_error_set(error, "the system left it some of root's rights");
        return false;
    }
    (void)prctl(PR_SET_DUMPABLE, dumpable == 1 ? 1 : 0);
    return true;
}
