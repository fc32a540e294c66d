/* The process, and what a parent of workers and its workers need of the system. */
#ifndef CEVENT_CE_PROCESS_H
#define CEVENT_CE_PROCESS_H

#include "ce_types.h"

/* ---- process.c ---- */

/* Keeps the process's memory, which holds tokens and keys, out of core dumps; if `from_debuggers`, also from others with the same
 * user (ptrace, /proc/PID/mem, environ, maps, fd). */
void ce_process_keep_private(bool from_debuggers);

/* ---- seed.c: random bytes that all workers have in common ---- */

enum { CE_DERIVED_BYTES = 64 };

/* Makes the seed, unless there is one: a parent does before it forks. */
void ce_shared_secret_make(void);
/* The key for a purpose and a context, the same in every worker of one gateway. */
void ce_shared_secret_derive(const char *purpose, const uint8_t *context, size_t length, uint8_t key[CE_DERIVED_BYTES]);

/* ---- port.c: a port that workers share ---- */

/* Takes the address for this process's children, exclusively, without listening: they listen on sockets of ce_port_join. Port 0 becomes
 * the one that was found. A descriptor, which holds it until it is closed, or -1 and a reason. */
int ce_port_reserve(const char *address, uint16_t *port, ce_error *error);
/* A socket for one child at an address that this process holds: bound, and silent until ce_http_adopt. It must be made with the same
 * effective user as the others of the port. -1 and a reason. */
int ce_port_join(const char *address, uint16_t port, ce_error *error);
/* The listener on the socket has ended: clients are refused, and those in its queue reset, until the next process listens on it. */
void ce_port_quiet(int fd);

/* ---- workers.c: what a parent of workers does ---- */

typedef struct ce_child_end {
    int32_t pid;
    int32_t code;   /* -1: it was ended by a signal */
    int32_t signal; /* 0: it ended by itself */
} ce_child_end;

/* From here on SIGHUP, SIGINT, SIGTERM and SIGCHLD wait until they are read from the descriptor that this gives; -1: errno. */
int ce_parent_signals(void);
/* The next of them, or 0. */
int ce_parent_next_signal(int fd);
/* Forks; 0 in the child, where the parent's signals wait still, and which ends with its parent. -1: errno, EBUSY if this process has a
 * loop, which cannot be shared. *line is a pipe from the child to the parent, in each its own end; it never waits. */
int32_t ce_fork(int *line);
/* Delivers the signals that came since the fork: to be called when their handlers are set. */
void ce_child_unblock_signals(void);
/* Collects a child that has ended, if one has. */
bool ce_child_ended(ce_child_end *end);
/* Such as `SEGV`. */
const char *ce_signal_name(int number);
/* How many processors this process may run on. */
uint32_t ce_processors(void);

#endif
