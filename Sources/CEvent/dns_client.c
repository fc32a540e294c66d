/* c-ares in the loop: libcurl's own resolver would start a thread. */
#include "dns_client.h"
#include "loop.h"
#include "resolver_options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

typedef struct ce_dns_socket {
    ce_dns *dns;
    struct event *event;
    evutil_socket_t fd;
    LIST_ENTRY(ce_dns_socket) next;
} ce_dns_socket;

typedef struct ce_dns_query {
    ce_on_addresses found;
    void *context;
    struct event *ready;
    struct ares_addrinfo *result;
    int status;
    LIST_ENTRY(ce_dns_query) next;
} ce_dns_query;

struct ce_dns {
    ce_loop *loop;
    ares_channel channel;
    bool has_channel;
    char *server;
    struct timespec resolv_conf_changed;
    struct event *timer;
    LIST_HEAD(, ce_dns_socket) sockets;
    LIST_HEAD(, ce_dns_query) queries;
};

static void set_timer(ce_dns *dns) {
    struct timeval after;
    if (ares_timeout(dns->channel, NULL, &after) != NULL) {
        evtimer_add(dns->timer, &after);
    } else {
        evtimer_del(dns->timer);
    }
}

static void on_socket(evutil_socket_t fd, short what, void *context) {
    /* c-ares may close this socket, and with it its event, before the call returns. */
    ce_dns *dns = ((ce_dns_socket *)context)->dns;
    ares_process_fd(dns->channel, (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
                    (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
    set_timer(dns);
}

static void on_timer(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_dns *dns = context;
    ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(dns);
}

static ce_dns_socket *socket_of(ce_dns *dns, ares_socket_t fd) {
    ce_dns_socket *known;
    LIST_FOREACH(known, &dns->sockets, next) {
        if (known->fd == fd) {
            return known;
        }
    }
    return NULL;
}

static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable) {
    ce_dns *dns = context;
    ce_dns_socket *watched = socket_of(dns, fd);
    if (watched != NULL) {
        event_free(watched->event);
        LIST_REMOVE(watched, next);
        free(watched);
    }
    if (!readable && !writable) {
        return;
    }
    watched = calloc(1, sizeof *watched);
    short wanted = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0) | EV_PERSIST);
    if (watched == NULL || (watched->event = event_new(dns->loop->base, fd, wanted, on_socket, watched)) == NULL) {
        abort();
    }
    watched->dns = dns;
    watched->fd = fd;
    LIST_INSERT_HEAD(&dns->sockets, watched, next);
    event_add(watched->event, NULL);
}

static struct timespec resolv_conf_changed(void) {
    struct stat file;
    return stat(CE_RESOLV_CONF, &file) == 0 ? file.st_mtim : (struct timespec){ 0, 0 };
}

static void close_channel(ce_dns *dns) {
    if (dns->has_channel) {
        ares_destroy(dns->channel);
        dns->has_channel = false;
    }
}

static int open_channel(ce_dns *dns) {
    struct ares_options options = { .sock_state_cb = on_socket_state, .sock_state_cb_data = dns };
    ce_resolver_options given = ce_resolver_options_read();
    options.timeout = given.timeout_ms;
    options.tries = given.attempts;
    dns->resolv_conf_changed = resolv_conf_changed();
    int status =
        ares_init_options(&dns->channel, &options, ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status != ARES_SUCCESS) {
        return status;
    }
    dns->has_channel = true;
    return dns->server == NULL ? ARES_SUCCESS : ares_set_servers_ports_csv(dns->channel, dns->server);
}

ce_dns *ce_dns_new(ce_loop *loop, const char *server, ce_error *error) {
    static bool library_is_up = false;
    if (!library_is_up) {
        ares_library_init(ARES_LIB_INIT_ALL);
        library_is_up = true;
    }
    ce_dns *dns = calloc(1, sizeof *dns);
    if (dns == NULL || (dns->timer = evtimer_new(loop->base, on_timer, dns)) == NULL) {
        abort();
    }
    dns->loop = loop;
    dns->server = server != NULL ? strdup(server) : NULL;
    LIST_INIT(&dns->sockets);
    LIST_INIT(&dns->queries);
    int status = open_channel(dns);
    if (status != ARES_SUCCESS) {
        ce_error_set(error, "name look-ups cannot be set up: %s; check %s", ares_strerror(status),
                     server != NULL ? "dns_server" : CE_RESOLV_CONF);
        ce_dns_free(dns);
        return NULL;
    }
    return dns;
}

static void query_free(ce_dns_query *query) {
    LIST_REMOVE(query, next);
    if (query->result != NULL) {
        ares_freeaddrinfo(query->result);
    }
    event_free(query->ready);
    free(query);
}

static void on_ready(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_dns_query *query = context;
    const struct ares_addrinfo_node *addresses =
        query->status == ARES_SUCCESS && query->result != NULL ? query->result->nodes : NULL;
    const char *reason = query->status == ARES_SUCCESS ? "it has no address" : ares_strerror(query->status);
    query->found(query->context, addresses, addresses != NULL ? NULL : reason);
    query_free(query);
}

/* c-ares may call this within ares_getaddrinfo, or while it goes through its own lists: the receiver is called in a later turn. */
static void on_result(void *context, int status, int timeouts, struct ares_addrinfo *result) {
    (void)timeouts;
    ce_dns_query *query = context;
    query->status = status;
    query->result = result;
    event_active(query->ready, EV_TIMEOUT, 0);
}

void ce_dns_find(ce_dns *dns, const char *host, ce_on_addresses found, void *context) {
    struct timespec changed = resolv_conf_changed();
    bool is_stale =
        changed.tv_sec != dns->resolv_conf_changed.tv_sec || changed.tv_nsec != dns->resolv_conf_changed.tv_nsec;
    if (LIST_EMPTY(&dns->queries) && (is_stale || !dns->has_channel)) {
        close_channel(dns);
        open_channel(dns);
    }
    ce_dns_query *query = calloc(1, sizeof *query);
    if (query == NULL || (query->ready = event_new(dns->loop->base, -1, 0, on_ready, query)) == NULL) {
        abort();
    }
    query->found = found;
    query->context = context;
    LIST_INSERT_HEAD(&dns->queries, query, next);
    if (!dns->has_channel) {
        on_result(query, ARES_ENOTINITIALIZED, 0, NULL);
        return;
    }
    struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    ares_getaddrinfo(dns->channel, host, NULL, &hints, on_result, query);
    set_timer(dns);
}

void ce_dns_free(ce_dns *dns) {
    /* Ends each query that c-ares still has through on_result; its event is freed with the query before it fires. */
    close_channel(dns);
    ce_dns_query *query;
    while ((query = LIST_FIRST(&dns->queries)) != NULL) {
        query_free(query);
    }
    event_free(dns->timer);
    free(dns->server);
    free(dns);
}
