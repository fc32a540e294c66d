/* Private to CEvent: what all calls to other servers share. */
#ifndef CE_POOL_H
#define CE_POOL_H

#include "CEvent.h"
#include "connector.h"
#include "lru_table.h"
#include "names.h"
#include "proxy.h"
#include "upstream.h"

#include <event2/event.h>

TAILQ_HEAD(ce_transfers, ce_transfer);

/* As much is read at once. More brings little. */
enum { CE_BUFFER_BYTES = 128 * 1024 };

struct ce_pool {
    ce_loop *loop;
    ce_names *names;
    ce_proxy *proxy; /* NULL: none */
    ce_connector *connector;
    ce_upstreams upstreams;
    ce_table origins;
    uint8_t *buffer; /* CE_BUFFER_BYTES that every transfer reads into */
    struct event *work;
    struct ce_transfers ending; /* to be ended in the next poll */
    struct ce_transfers spare;
    size_t spare_count;
    ce_pool_counts counts;
};

/* Finds or makes the origin of a URL. NULL: it has no host, or one that two readers could read in two ways. */
ce_origin *ce_pool_origin(ce_pool *pool, const char *url);
/* The proxy that leads to an origin now; NULL: none does. */
const ce_proxy *ce_pool_proxy(const ce_pool *pool, ce_origin *origin);

#endif
