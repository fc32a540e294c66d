/* A connection of a trusted proxy that speaks the PROXY protocol: before TLS begins, a header says which client it is for. OpenSSL must not see a
 * byte of it, and nobody else a byte behind it. So the bufferevent stands still until the header is read, to its last byte and no further. */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct ce_proxied {
    struct event *readable; /* NULL: the header is read */
    ce_proxy_header header;
};

static void stop_reading_header(ce_exchange *connection) {
    event_free(connection->proxied->readable);
    connection->proxied->readable = NULL;
}

static void end(ce_exchange *connection, uint64_t *counter) {
    *counter += 1;
    stop_reading_header(connection);
    ce_connection_turn_away(connection);
}

/* The proxy has closed the connection, or its time is over, which looks the same (ce_connection_close_idle). */
static void ended_early(ce_exchange *connection, ce_http_counts *counts) {
    bool is_late = connection->due_ms == 0;
    bool has_begun = connection->proxied->header.state != 0;
    end(connection,
        is_late         ? &counts->proxy_headers_late
            : has_begun ? &counts->proxy_headers_malformed
                        : &counts->handshakes_abandoned);
}

static void header_read(ce_exchange *connection) {
    connection->http->counts.proxy_headers += 1;
    stop_reading_header(connection);
    ce_connection_admit(connection);
    if (connection->phase == CE_PHASE_HANDSHAKE) {
        /* What the handshake waits for first. */
        bufferevent_enable(connection->bev, EV_READ);
    }
}

static void on_header_bytes(evutil_socket_t fd, short what, void *context) {
    (void)what;
    ce_exchange *connection = context;
    ce_http_counts *counts = &connection->http->counts;
    if (!ce_connection_is_live(connection)) {
        return;
    }
    uint8_t bytes[512];
    ssize_t there = recv(fd, bytes, sizeof bytes, MSG_PEEK);
    if (there < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (there <= 0) {
        ended_early(connection, counts);
        return;
    }
    size_t consumed = 0;
    ce_proxy_event event = ce_proxy_header_feed(&connection->proxied->header, bytes, (size_t)there, &consumed);
    /* They are there, so all of them come. */
    if (recv(fd, bytes, consumed, 0) != (ssize_t)consumed || event == CE_PROXY_REFUSED) {
        end(connection, &counts->proxy_headers_malformed);
        return;
    }
    counts->received_bytes += consumed;
    if (event == CE_PROXY_DONE) {
        header_read(connection);
    }
}

bool ce_proxied_begin(ce_exchange *connection) {
    const ce_http *http = connection->http;
    ce_ip peer;
    if (connection->proxied != NULL || !ce_connection_client(connection, &peer)
        || !ce_networks_contain(http->proxies, http->proxy_count, peer)) {
        return false;
    }
    connection->proxied = calloc(1, sizeof *connection->proxied);
    if (connection->proxied == NULL) {
        abort();
    }
    bufferevent_disable(connection->bev, EV_READ | EV_WRITE);
    connection->proxied->readable = event_new(bufferevent_get_base(connection->bev), bufferevent_getfd(connection->bev),
                                              EV_READ | EV_PERSIST, on_header_bytes, connection);
    if (connection->proxied->readable == NULL || event_add(connection->proxied->readable, NULL) != 0) {
        abort();
    }
    return true;
}

bool ce_proxied_client(const ce_exchange *connection, ce_ip *client) {
    if (connection->proxied == NULL || !connection->proxied->header.has_source) {
        return false;
    }
    *client = connection->proxied->header.source;
    return true;
}

bool ce_exchange_announced(const ce_exchange *exchange, ce_ip *client) {
    return ce_proxied_client(exchange, client);
}

void ce_proxied_free(ce_exchange *connection) {
    if (connection->proxied == NULL) {
        return;
    }
    if (connection->proxied->readable != NULL) {
        event_free(connection->proxied->readable);
    }
    free(connection->proxied);
}
