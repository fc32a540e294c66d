/* The addresses that a server listens on. All are accepted at, or none is: their connections share the server's limits. */
#include "connection.h"
#include "loop.h"
#include "port.h"

#include <errno.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

/* A handshake under way takes 28 KiB more than a connection that is open. While so many are, new connections wait in the kernel until some of
 * them have ended. A few are accepted every few milliseconds all the same, so that clients that never end their handshake cannot block others. */
enum { HANDSHAKES_AT_ONCE = 128, ACCEPTED_AT_ONCE = 16, PAUSE_MS = 5 };

ce_servers ce_all_servers = LIST_HEAD_INITIALIZER(ce_all_servers);

void ce_listening_set(ce_http *http, bool accepts) {
    for (size_t at = 0; at < http->listening_count; at += 1) {
        struct evconnlistener *listener = http->listening[at].listener;
        (void)(accepts ? evconnlistener_enable(listener) : evconnlistener_disable(listener));
    }
}

void ce_listening_again(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_http *http = context;
    http->accepted = 0;
    http->waits_for_handshakes = false;
    if (http->connection_count < http->limits.connections) {
        ce_listening_set(http, true);
    }
}

void ce_listening_accepted(ce_http *http) {
    http->accepted += 1;
    if (http->connection_count >= http->limits.connections) {
        http->counts.pauses_by_limit += 1;
        ce_listening_set(http, false);
    } else if (http->handshakes >= HANDSHAKES_AT_ONCE && http->accepted >= ACCEPTED_AT_ONCE) {
        struct timeval pause = { .tv_sec = 0, .tv_usec = PAUSE_MS * 1000 };
        http->counts.pauses_by_handshakes += 1;
        http->waits_for_handshakes = true;
        ce_listening_set(http, false);
        event_add(http->listen_again, &pause);
    }
}

void ce_listening_handshake_over(ce_http *http) {
    http->handshakes -= 1;
    if (http->waits_for_handshakes && http->handshakes < HANDSHAKES_AT_ONCE) {
        event_del(http->listen_again);
        ce_listening_again(-1, 0, http);
    }
}

static ce_http *server_of(const struct evconnlistener *listener) {
    ce_http *http;
    LIST_FOREACH(http, &ce_all_servers, next_server) {
        for (size_t at = 0; at < http->listening_count; at += 1) {
            if (http->listening[at].listener == listener) {
                return http;
            }
        }
    }
    return NULL;
}

/* Without descriptors, accept fails again at once and for ever: a pause keeps the loop free for connected clients. */
static void on_accept_error(struct evconnlistener *listener, void *context) {
    (void)context;
    ce_http *http = server_of(listener);
    if (http == NULL) {
        return;
    }
    struct timeval pause = { .tv_sec = 0, .tv_usec = 100 * 1000 };
    http->counts.pauses_by_error += 1;
    http->waits_for_handshakes = false;
    ce_listening_set(http, false);
    event_add(http->listen_again, &pause);
}

/* Takes the socket. 0: errno. */
static uint16_t listen_by(ce_http *http, int fd) {
    struct evconnlistener *listener = NULL;
    errno = ENFILE;
    if (http->listening_count < CE_LISTENERS) {
        unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
        listener = evconnlistener_new(http->loop->base, NULL, NULL, flags, BACKLOG, fd);
    }
    if (listener == NULL) {
        int reason = errno;
        close(fd);
        errno = reason;
        return 0;
    }
    /* Accepted sockets inherit it. Without it each small response waits for the client's delayed acknowledgement. */
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    http->listening[http->listening_count++] =
        (ce_listening){ .listener = listener, .bound = evhttp_bind_listener(http->server, listener) };
    evconnlistener_set_error_cb(listener, on_accept_error);
    return ce_port_of(fd);
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
    /* The socket's former owner may have drained: see ignore_new_clients. */
    int unused = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
    uint16_t bound = listen_by(http, fd);
    if (bound == 0) {
        ce_error_set(error, "cannot listen on the parent's port: %s", strerror(errno));
    }
    return bound;
}
