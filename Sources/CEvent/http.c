#include "connection.h"
#include "loop.h"
#include "port.h"
#include "tls.h"

#include <errno.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_tls_progress(const SSL *ssl, int where, int result) {
    (void)result;
    if ((where & SSL_CB_HANDSHAKE_DONE) != 0) {
        ce_connection_handshake_done(ce_connection_of(ssl));
    }
}

static void on_listen_again(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_http *http = context;
    if (http->listener != NULL && http->connection_count < http->limits.connections) {
        evconnlistener_enable(http->listener);
    }
}

/* Every server of the process: evhttp, once it has a listener, gives its own address to the listener's callbacks. */
static LIST_HEAD(, ce_http) servers = LIST_HEAD_INITIALIZER(servers);

/* Out of descriptors, accept fails again at once and for ever: a pause keeps the loop free for those who are connected. */
static void on_accept_error(struct evconnlistener *listener, void *context) {
    (void)context;
    ce_http *http;
    LIST_FOREACH(http, &servers, next_server) {
        if (http->listener == listener) {
            break;
        }
    }
    if (http == NULL) {
        return;
    }
    struct timeval pause = { .tv_sec = 0, .tv_usec = 100 * 1000 };
    http->counts.pauses_by_error += 1;
    evconnlistener_disable(listener);
    event_add(http->listen_again, &pause);
}

ce_http *ce_http_new(ce_loop *loop, ce_tls *tls, const ce_http_limits *limits, ce_on_request request, void *context,
                     ce_error *error) {
    ce_http *http = calloc(1, sizeof *http);
    if (http == NULL) {
        abort();
    }
    *http = (ce_http){ .loop = loop, .tls = tls, .limits = *limits, .on_request = request, .context = context };
    http->parsers.limits = limits->parser;
    TAILQ_INIT(&http->connections);
    LIST_INSERT_HEAD(&servers, http, next_server);
    RAND_bytes(http->address_seed, sizeof http->address_seed);
    http->server = evhttp_new(loop->base);
    http->listen_again = evtimer_new(loop->base, on_listen_again, http);
    if (http->server == NULL || http->listen_again == NULL) {
        ce_error_set(error, "evhttp could not start");
        ce_http_free(http);
        return NULL;
    }
    ce_http_set_tls(http, tls);
    evhttp_set_bevcb(http->server, ce_connection_new, http);
    evhttp_set_gencb(http->server, ce_connection_take_over, http);
    return http;
}

void ce_http_set_tls(ce_http *http, ce_tls *tls) {
    SSL_CTX_set_info_callback(tls->context, on_tls_progress);
    ce_connection_count_records(tls->context);
    http->tls = tls;
}

void ce_http_set_limits(ce_http *http, const ce_http_limits *limits) {
    http->limits = *limits;
    http->parsers.limits = limits->parser;
    if (http->listener == NULL) {
        return;
    }
    if (http->connection_count < limits->connections) {
        evconnlistener_enable(http->listener);
    } else {
        evconnlistener_disable(http->listener);
    }
}

enum { BACKLOG = 1024 };

/* NULL where libevent could not make it: errno. */
static uint16_t use_listener(ce_http *http, struct evconnlistener *listener) {
    if (listener == NULL) {
        return 0;
    }
    http->listener = listener;
    /* Accepted sockets inherit it. Without it each small response waits for the client's delayed acknowledgement. */
    int on = 1;
    setsockopt(evconnlistener_get_fd(listener), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(evconnlistener_get_fd(listener), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    http->bound = evhttp_bind_listener(http->server, listener);
    evconnlistener_set_error_cb(listener, on_accept_error);
    return ce_port_of(evconnlistener_get_fd(listener));
}

/* Takes the socket. 0: errno. */
static uint16_t listen_by(ce_http *http, int fd) {
    struct evconnlistener *listener =
        evconnlistener_new(http->loop->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, BACKLOG, fd);
    int reason = errno;
    uint16_t bound = use_listener(http, listener);
    if (bound == 0) {
        close(fd);
        errno = reason;
    }
    return bound;
}

uint16_t ce_http_listen(ce_http *http, const char *address, uint16_t port, ce_error *error) {
    struct addrinfo *target = ce_port_address(address, port, error);
    if (target == NULL) {
        return 0;
    }
    int fd = ce_port_bind(target, false);
    uint16_t bound = fd < 0 ? 0 : listen_by(http, fd);
    int reason = errno;
    freeaddrinfo(target);
    if (bound == 0) {
        ce_port_refused(address, port, reason, error);
    }
    return bound;
}

uint16_t ce_http_adopt(ce_http *http, int joined, ce_error *error) {
    int fd = fcntl(joined, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
        ce_error_set(error, "cannot listen on the parent's port: %s", strerror(errno));
        return 0;
    }
    /* Whoever had it before may have drained: see ignore_new_clients. */
    int unused = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
    uint16_t bound = listen_by(http, fd);
    if (bound == 0) {
        ce_error_set(error, "cannot listen on the parent's port: %s", strerror(errno));
    }
    return bound;
}

size_t ce_http_connection_count(const ce_http *http) {
    return http->connection_count;
}

void ce_http_count(const ce_http *http, ce_http_counts *counts) {
    const ce_http_counts *own = &http->counts;
    counts->connections += own->connections;
    counts->connections_now += http->connection_count;
    counts->refused_by_address += own->refused_by_address;
    counts->cut_by_records += own->cut_by_records;
    counts->pauses_by_limit += own->pauses_by_limit;
    counts->pauses_by_error += own->pauses_by_error;
    counts->handshakes_full += own->handshakes_full;
    counts->handshakes_resumed += own->handshakes_resumed;
    counts->handshakes_failed += own->handshakes_failed;
    counts->handshakes_abandoned += own->handshakes_abandoned;
    counts->received_bytes += own->received_bytes;
    counts->sent_bytes += own->sent_bytes;
    const ce_connection *connection;
    TAILQ_FOREACH(connection, &http->connections, next) {
        ce_connection_count_bytes(connection, counts);
    }
}

void ce_http_free(ce_http *http) {
    http->draining = true;
    http->listener = NULL;
    ce_connection *connection;
    TAILQ_FOREACH(connection, &http->connections, next) {
        ce_exchange_end(&connection->exchange, false);
        ce_connection_set_reading(connection, false);
    }
    if (http->server != NULL) {
        evhttp_free(http->server);
    }
    if (http->listen_again != NULL) {
        event_free(http->listen_again);
    }
    /* evhttp frees the connections' last parts in a later poll. */
    while (http->connection_count > 0) {
        event_base_loop(http->loop->base, EVLOOP_ONCE);
    }
    ce_parsers_free(&http->parsers);
    LIST_REMOVE(http, next_server);
    free(http);
}
