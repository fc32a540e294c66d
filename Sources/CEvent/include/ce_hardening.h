/* What a process gives up once it has what it needs, so that a fault in it is of less use to an attacker. */
#ifndef CEVENT_CE_HARDENING_H
#define CEVENT_CE_HARDENING_H

#include "ce_types.h"

/* ---- privileges.c ---- */

/* Makes a process of root one of this user and group for good: no supplementary group, no capability, no way back, which is verified.
 * False and a reason when the system does not let it; the process is then in no state to go on. */
bool ce_privileges_drop(uint32_t user, uint32_t group, ce_error *error);

/* ---- system_calls.c: the seccomp filter ---- */

typedef enum ce_process_role {
    CE_ROLE_SERVING,    /* one loop, no children */
    CE_ROLE_SUPERVISOR, /* forks workers, which inherit its filter and add their own */
    CE_ROLE_STATE,      /* keeps the state: no loop, no children, and writes files */
} ce_process_role;

/* Sets no_new_privs and allows this process, and what it forks, only the system calls of its role. `children_write`: one of the children
 * of a supervisor is the state process. False and a reason where the kernel or the container does not have it. */
bool ce_system_calls_restrict(ce_process_role role, bool children_write, ce_error *error);

/* ---- landlock.c ---- */

typedef struct ce_landlock_rules {
    const char *const
        *paths; /* files, and directories with all below them, that stay readable; what is absent is left out */
    size_t path_count;
    const char *const *written; /* directories whose files may be made, written and removed */
    size_t written_count;
    const uint16_t *ports; /* TCP ports that stay connectable */
    size_t port_count;
} ce_landlock_rules;

/* Leaves this process, and what it forks, only these files to read, none to write but those in `written`, none to execute, and (from ABI 4 on) these ports to
 * connect to and none to bind. Sets no_new_privs. The ABI version of the kernel's Landlock; 0 where it has none; -1 and a reason when it fails. */
int32_t ce_landlock_restrict(const ce_landlock_rules *rules, ce_error *error);

#endif
