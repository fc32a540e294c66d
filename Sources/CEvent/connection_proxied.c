/* A connection of a trusted proxy that uses the PROXY protocol: before TLS begins, a header names its client. OpenSSL must not see a
 * byte of it, and nothing but OpenSSL a byte after it. So the bufferevent stands still until the header is read, to its last byte and no further. */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static void stop_reading_header(ce_connection *connection) {
    event_free(connection->proxied->readable);
    connection->proxied->readable = NULL;
}

static void end(ce_connection *connection, uint64_t *counter) {
    *counter += 1;
    stop_reading_header(connection);
    ce_connection_turn_away(connection);
}

/* The proxy has closed the connection, or its time is over, which looks the same (ce_connection_close_idle). */
static void ended_early(ce_connection *connection, ce_http_counts *counts) {
    bool is_late = connection->due_ms == 0;
    bool has_begun = connection->proxied->header.state != 0;
    end(connection,
        is_late         ? &counts->proxy_headers_late
            : has_begun ? &counts->proxy_headers_malformed
                        : &counts->handshakes_abandoned);
}

static void admit_client(ce_connection *connection) {
    if (!ce_address_enter(connection)) {
        connection->http->counts.refused_by_address += 1;
        ce_connection_turn_away(connection);
    }
}

static void header_read(ce_connection *connection) {
    connection->http->counts.proxy_headers += 1;
    stop_reading_header(connection);
    admit_client(connection);
    if (connection->state == CE_CONNECTION_HANDSHAKE) {
        /* What the handshake waits for first. */
        bufferevent_enable(connection->bev, EV_READ);
    }
}

static void on_header_bytes(evutil_socket_t fd, short what, void *context) {
    (void)what;
    ce_connection *connection = context;
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

static bool has_to_announce(const ce_connection *connection) {
    const ce_http *http = connection->http;
    ce_ip peer;
    return http->proxies_send_headers && ce_connection_client(connection, &peer)
        && ce_networks_contain(http->proxies, http->proxy_count, peer);
}

static void await_header(ce_connection *connection) {
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
}

void ce_connection_admit(ce_connection *connection) {
    if (connection->proxied != NULL) {
        /* It waits for its header. */
        return;
    }
    if (has_to_announce(connection)) {
        await_header(connection);
    } else {
        admit_client(connection);
    }
}

void ce_proxied_free(ce_connection *connection) {
    if (connection->proxied == NULL) {
        return;
    }
    if (connection->proxied->readable != NULL) {
        event_free(connection->proxied->readable);
    }
    free(connection->proxied);
}
