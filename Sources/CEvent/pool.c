#include "pool.h"
#include "loop.h"

#include <stdlib.h>
#include <string.h>

static void on_work(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_pool *pool = context;
    ce_transfer *transfer;
    while ((transfer = TAILQ_FIRST(&pool->ending)) != NULL) {
        ce_transfer_end(transfer, transfer->outcome, transfer->reason);
    }
    for (size_t index = 0; index < pool->lane_count; index += 1) {
        ce_lane_read_messages(&pool->lanes[index]);
    }
}

static struct evdns_base *new_dns(ce_loop *loop, const char *server, ce_error *error) {
    struct evdns_base *dns = evdns_base_new(loop->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (dns == NULL) {
        abort();
    }
    if (server != NULL) {
        evdns_base_load_hosts(dns, "/etc/hosts");
        if (evdns_base_nameserver_ip_add(dns, server) != 0) {
            ce_error_set(error, "%s is not the address of a DNS server", server);
            evdns_base_free(dns, 0);
            return NULL;
        }
    } else {
        /* Without a readable file evdns asks 127.0.0.1, as libc does. */
        evdns_base_resolv_conf_parse(dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
    }
    evdns_base_set_option(dns, "timeout:", "2");
    evdns_base_set_option(dns, "attempts:", "3");
    /* The answer's case is not kept by every resolver, and a mismatch would make its names unreachable. */
    evdns_base_set_option(dns, "randomize-case:", "0");
    return dns;
}

ce_pool *ce_pool_new(ce_loop *loop, const ce_pool_options *options, ce_error *error) {
    static bool curl_is_up = false;
    if (!curl_is_up) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        curl_is_up = true;
    }
    ce_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        abort();
    }
    pool->loop = loop;
    pool->trust_anybody = options->trust_anybody;
    TAILQ_INIT(&pool->names);
    TAILQ_INIT(&pool->ending);
    TAILQ_INIT(&pool->spare);
    pool->dns = new_dns(loop, options->dns_server, error);
    if (pool->dns == NULL) {
        free(pool);
        return NULL;
    }
    pool->ca_file = options->ca_file != NULL ? strdup(options->ca_file) : NULL;
    pool->ca_pem = options->ca_pem != NULL ? strdup(options->ca_pem) : NULL;
    pool->work = event_new(loop->base, -1, 0, on_work, pool);
    if (pool->work == NULL) {
        abort();
    }
    ce_lanes_make(pool, options->connections);
    return pool;
}

ce_pool_counts ce_pool_count(const ce_pool *pool) {
    return pool->counts;
}

void ce_pool_trim(ce_pool *pool, size_t count) {
    ce_transfer *transfer;
    while (pool->spare_count > count && (transfer = TAILQ_FIRST(&pool->spare)) != NULL) {
        TAILQ_REMOVE(&pool->spare, transfer, next);
        pool->spare_count -= 1;
        ce_transfer_release(transfer);
    }
}

void ce_pool_free(ce_pool *pool) {
    ce_pool_trim(pool, 0);
    ce_lanes_free(pool);
    ce_watches_free(pool);
    evdns_base_free(pool->dns, 0);
    ce_names_free(pool);
    event_free(pool->work);
    free(pool->ca_file);
    free(pool->ca_pem);
    free(pool);
}
