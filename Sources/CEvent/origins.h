/* Private to CEvent: where calls go. */
#ifndef CE_ORIGINS_H
#define CE_ORIGINS_H

#include "CEvent.h"
#include "lru_table.h"

struct ce_upstream;
TAILQ_HEAD(ce_kept, ce_upstream);

typedef struct ce_origin {
    ce_entry entry; /* the key is `scheme://host[:port]`, as in the URLs; in use while a call goes there */
    char *host;
    char *port;
    char *host_line; /* the field `Host`, with its CRLF */
    size_t host_line_length;
    bool tls;
    bool numeric; /* nothing to look up */
    bool by_proxy;
    uint32_t route; /* of the pool, when that was decided */
    /* upstream.c's: the idle connections, the most recently used first */
    struct ce_kept kept;
    uint32_t kept_count;
} ce_origin;

enum { CE_ORIGINS_AT_MOST = 256, CE_HOST_BYTES = 253 };

/* The length of a URL's `scheme://host[:port]`. */
size_t ce_origin_length(const char *url);
/* A new origin of a URL. NULL if it has no host, or one that two readers could read in two ways. */
ce_origin *ce_origin_new(const char *url);
void ce_origin_free(ce_origin *origin);

#endif
