#include "pool.h"
#include "loop.h"

#include <stdlib.h>
#include <string.h>

/* Messages are read outside libcurl's callbacks only: ending a transfer frees what they stand on. */
static void read_messages(ce_pool *pool) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(pool->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            ce_transfer *transfer = NULL;
            CURLcode result = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
            ce_transfer_finished(transfer, result);
        }
    }
}

void ce_pool_act(ce_pool *pool, curl_socket_t fd, int ready) {
    int running;
    pool->turn += 1;
    curl_multi_socket_action(pool->multi, fd, ready, &running);
    read_messages(pool);
}

static void on_timer(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_pool_act(context, CURL_SOCKET_TIMEOUT, 0);
}

static void on_work(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_pool *pool = context;
    ce_transfer *transfer;
    while ((transfer = TAILQ_FIRST(&pool->ending)) != NULL) {
        ce_transfer_end(transfer, transfer->outcome, transfer->reason);
    }
    read_messages(pool);
}

static int set_timer(CURLM *multi, long milliseconds, void *context) {
    (void)multi;
    ce_pool *pool = context;
    if (milliseconds < 0) {
        evtimer_del(pool->timer);
    } else {
        struct timeval after = { .tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000 };
        evtimer_add(pool->timer, &after);
    }
    return 0;
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
    pool->timer = evtimer_new(loop->base, on_timer, pool);
    pool->work = event_new(loop->base, -1, 0, on_work, pool);
    pool->multi = curl_multi_init();
    if (pool->timer == NULL || pool->work == NULL || pool->multi == NULL) {
        abort();
    }
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, ce_watch_set);
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(pool->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)options->connections);
    curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long)options->connections);
    return pool;
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
    curl_multi_cleanup(pool->multi);
    ce_watches_free(pool);
    evdns_base_free(pool->dns, 0);
    ce_names_free(pool);
    event_free(pool->timer);
    event_free(pool->work);
    free(pool->ca_file);
    free(pool->ca_pem);
    free(pool);
}
