/* Private to CEvent: the addresses of hosts. */
#ifndef CE_NAMES_H
#define CE_NAMES_H

#include "CEvent.h"

#include <sys/queue.h>

typedef struct ce_names ce_names;
struct ce_name;

/* A call that waits for a host's addresses. The caller owns the memory, until it is called or cancelled. */
typedef struct ce_lookup {
    /* The addresses, or NULL and why there are none. */
    void (*found)(void *context, const char *addresses, const char *reason);
    void *context;
    struct ce_name *name; /* NULL: it does not wait */
    TAILQ_ENTRY(ce_lookup) next;
} ce_lookup;

/* `server`: NULL for those of /etc/resolv.conf, else ip or ip:port. */
ce_names *ce_names_new(ce_loop *loop, const char *server, ce_error *error);
/* No lookup may wait. */
void ce_names_free(ce_names *names);
/* The addresses of a host, as CURLOPT_RESOLVE takes them (`192.0.2.1,[2001:db8::1]`), valid until the loop goes on. NULL: they
 * are being looked up, and lookup->found is called, never before this returns. */
const char *ce_names_find(ce_names *names, const char *host, ce_lookup *lookup);
/* `found` will not be called. */
void ce_names_cancel(ce_lookup *lookup);

#endif
