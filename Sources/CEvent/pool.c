#include "pool.h"
#include "loop.h"
#include "transfer.h"

#include <stdlib.h>

static void on_work(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_pool *pool = context;
    ce_transfer *transfer;
    while ((transfer = TAILQ_FIRST(&pool->ending)) != NULL) {
        ce_transfer_end(transfer, transfer->outcome, transfer->reason);
    }
}

ce_pool *ce_pool_new(ce_loop *loop, const ce_pool_options *options, ce_error *error) {
    ce_names *names = ce_names_new(loop, options->dns_server, error);
    if (names == NULL) {
        return NULL;
    }
    ce_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL || (pool->buffer = malloc(CE_BUFFER_BYTES)) == NULL) {
        abort();
    }
    pool->loop = loop;
    pool->names = names;
    pool->connector = ce_connector_new(loop, options);
    ce_upstreams_init(&pool->upstreams, loop, pool->connector, options->connections);
    ce_table_init(&pool->origins);
    TAILQ_INIT(&pool->ending);
    TAILQ_INIT(&pool->spare);
    pool->work = event_new(loop->base, -1, 0, on_work, pool);
    if (pool->work == NULL) {
        abort();
    }
    return pool;
}

static void forget(ce_pool *pool, ce_origin *origin) {
    ce_upstream_leave_idle(origin);
    ce_table_remove(&pool->origins, &origin->entry);
    ce_origin_free(origin);
}

ce_origin *ce_pool_origin(ce_pool *pool, const char *url) {
    ce_entry *found = ce_table_find(&pool->origins, url, ce_origin_length(url));
    if (found != NULL) {
        return (ce_origin *)found;
    }
    ce_origin *origin = ce_origin_new(url);
    if (origin == NULL) {
        return NULL;
    }
    ce_entry *oldest = pool->origins.count >= CE_ORIGINS_AT_MOST ? ce_table_oldest(&pool->origins) : NULL;
    if (oldest != NULL) {
        forget(pool, (ce_origin *)oldest);
    }
    ce_table_add(&pool->origins, &origin->entry);
    return origin;
}

const ce_proxy *ce_pool_proxy(const ce_pool *pool, ce_origin *origin) {
    if (pool->proxy == NULL) {
        return NULL;
    }
    if (origin->route != pool->upstreams.route) {
        origin->route = pool->upstreams.route;
        origin->by_proxy = ce_proxy_serves(pool->proxy, origin);
    }
    return origin->by_proxy ? pool->proxy : NULL;
}

void ce_pool_use_proxy(ce_pool *pool, const ce_proxy_options *options) {
    ce_proxy_free(pool->proxy);
    pool->proxy = options != NULL ? ce_proxy_new(options) : NULL;
    ce_upstreams_reroute(&pool->upstreams);
}

ce_pool_counts ce_pool_count(const ce_pool *pool) {
    return pool->counts;
}

void ce_pool_free(ce_pool *pool) {
    ce_transfer *transfer;
    while ((transfer = TAILQ_FIRST(&pool->spare)) != NULL) {
        TAILQ_REMOVE(&pool->spare, transfer, next);
        ce_transfer_release(transfer);
    }
    ce_upstreams_end(&pool->upstreams);
    ce_entry *entry;
    while ((entry = TAILQ_FIRST(&pool->origins.by_use)) != NULL) {
        forget(pool, (ce_origin *)entry);
    }
    ce_connector_free(pool->connector);
    ce_names_free(pool->names);
    ce_proxy_free(pool->proxy);
    event_free(pool->work);
    free(pool->buffer);
    free(pool);
}
