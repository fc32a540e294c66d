/* The functions that a callee calls on an exchange and that use its connection (ce_server.h): the response goes out, the body comes in. */
#include "connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static const char continue_head[] = "HTTP/1.1 100 Continue\r\n\r\n";

static ce_connection *connection_of(const ce_exchange *exchange) {
    return (ce_connection *)((char *)exchange - offsetof(ce_connection, exchange));
}

size_t ce_exchange_queued(const ce_exchange *exchange) {
    return ce_connection_queued(connection_of(exchange));
}

int ce_exchange_socket(const ce_exchange *exchange) {
    return bufferevent_getfd(connection_of(exchange)->bev);
}

static bool must_close(const ce_connection *connection) {
    const ce_exchange *exchange = &connection->exchange;
    uint32_t most = connection->http->limits.requests;
    bool is_read = exchange->state == CE_EXCHANGE_BODY_ENDED || exchange->state == CE_EXCHANGE_FINISHED;
    bool is_last = connection->half_closed && ce_connection_waiting(connection) == 0;
    return (most > 0 && connection->requests >= most) || exchange->close_after || is_last || !is_read;
}

/* What the head says holds, however the reasons change before the response's end: a drain that begins meanwhile waits for the
 * connection's next request, whose response can announce the end. */
bool ce_exchange_closes(ce_exchange *exchange) {
    ce_connection *connection = connection_of(exchange);
    exchange->close_after = connection->http->draining || must_close(connection);
    return exchange->close_after;
}

/* OpenSSL would allocate other memory for each record, which is not in the processor's caches: a third of a large response's cost. It keeps the
 * same while the socket takes what comes. */
static void keep_buffer(ce_connection *connection, size_t count) {
    enum { LEAST_BYTES = 32 * 1024 };
    if (count >= LEAST_BYTES && !connection->keeps_buffer) {
        SSL_clear_mode(connection->ssl, SSL_MODE_RELEASE_BUFFERS);
        connection->keeps_buffer = true;
    }
}

static void release_buffer(ce_connection *connection) {
    if (connection->keeps_buffer) {
        SSL_set_mode(connection->ssl, SSL_MODE_RELEASE_BUFFERS);
        SSL_free_buffers(connection->ssl);
        connection->keeps_buffer = false;
    }
}

/* The response is with the kernel. */
static void complete(ce_connection *connection) {
    ce_exchange *exchange = &connection->exchange;
    release_buffer(connection);
    bool closes = must_close(connection);
    bool unread = exchange->unread || ce_connection_waiting(connection) > 0;
    ce_exchange_end(exchange, true);
    if (closes) {
        ce_connection_close(connection, unread);
        return;
    }
    ce_exchange_await_next(exchange);
    ce_connection_limit_wait(connection);
    if (ce_connection_waiting(connection) > 0) {
        /* Pipelined requests are not begun here, one inside the other. */
        event_active(connection->work, EV_TIMEOUT, 0);
    }
    ce_connection_update_backpressure(connection);
}

void ce_connection_on_writable(struct bufferevent *bev, void *context) {
    (void)bev;
    ce_connection *connection = context;
    ce_exchange *exchange = &connection->exchange;
    bool is_empty = ce_connection_queued(connection) == 0;
    /* It may come after the client's end. */
    if (connection->state != CE_CONNECTION_OPEN || exchange->events == NULL || exchange->state == CE_EXCHANGE_LOST) {
        return;
    }
    if (is_empty) {
        exchange->written.since_ms = 0;
    }
    if (exchange->state != CE_EXCHANGE_FINISHED) {
        exchange->events->writable(exchange->context);
    } else if (is_empty) {
        complete(connection);
    }
}

/* The first record of a longer response fits into one packet and the next ones into a few: a client can decode a record when it has all of it,
 * and on a new connection that is a round trip earlier. Further ones are as large as TLS has them. */
static size_t record_size(ce_connection *connection, size_t count) {
    enum { FIRST_BYTES = 1400, EARLY_BYTES = 4096, EARLY_RECORDS = 4, LARGEST_BYTES = 16 * 1024 };
    if (connection->sizing != connection->requests) {
        connection->sizing = connection->requests;
        connection->records = 0;
    }
    connection->records += connection->records <= EARLY_RECORDS;
    size_t most = EARLY_BYTES;
    if (connection->records > EARLY_RECORDS) {
        most = LARGEST_BYTES;
    } else if (connection->records == 1 && count > EARLY_BYTES) {
        most = FIRST_BYTES;
    }
    return count < most ? count : most;
}

/* Straight to TLS while nothing waits: one record and one write for a small response, and no copy.
 * What the socket does not take goes through the bufferevent as usual. */
static size_t write_now(ce_connection *connection, const uint8_t *bytes, size_t count) {
    size_t sent = 0;
    size_t part = record_size(connection, count);
    if (part < count) {
        ce_wire_gather(connection);
    }
    keep_buffer(connection, count);
    while (sent < count && ce_wire_unsent(connection) == 0) {
        ce_forget_errors();
        int written = SSL_write(connection->ssl, bytes + sent, (int)part);
        if (written <= 0) {
            int error = SSL_get_error(connection->ssl, written);
            if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ) {
                connection->write_failed = true;
                event_active(connection->work, EV_TIMEOUT, 0);
            }
            break;
        }
        sent += (size_t)written;
        if (sent < count) {
            part = record_size(connection, count - sent);
        }
    }
    if (connection->gathers) {
        ce_wire_gather_no_more(connection);
    }
    if (ce_wire_unsent(connection) > 0) {
        release_buffer(connection);
    }
    return sent;
}

size_t ce_exchange_write(ce_exchange *exchange, const uint8_t *bytes, size_t count) {
    ce_connection *connection = connection_of(exchange);
    if (!ce_exchange_is_open(exchange) || connection->write_failed) {
        return 0;
    }
    size_t sent = ce_connection_queued(connection) == 0 ? write_now(connection, bytes, count) : 0;
    if (sent < count && !connection->write_failed) {
        evbuffer_add(bufferevent_get_output(connection->bev), bytes + sent, count - sent);
        bufferevent_enable(connection->bev, EV_WRITE);
    }
    size_t queued = ce_connection_queued(connection);
    if (queued > 0) {
        ce_connection_watch_written(connection);
    }
    return queued;
}

/* Holds back what is written, to make fewer packets of it, or lets it go. A FIN lets it go too. */
static void hold(ce_connection *connection, int on) {
    setsockopt(bufferevent_getfd(connection->bev), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

void ce_exchange_finish(ce_exchange *exchange, const uint8_t *bytes, size_t count) {
    ce_connection *connection = connection_of(exchange);
    if (!ce_exchange_is_open(exchange)) {
        if (exchange->state == CE_EXCHANGE_LOST) {
            ce_connection_kill(connection);
        }
        return;
    }
    /* close_notify and the FIN after the response's end would each be a packet of its own. */
    bool held = count > 0 && ce_connection_queued(connection) == 0 && must_close(connection);
    if (held) {
        hold(connection, 1);
    }
    if (count > 0) {
        ce_exchange_write(exchange, bytes, count);
    }
    ce_exchange_finished(exchange);
    bool whole = ce_connection_queued(connection) == 0;
    if (held && (!whole || !must_close(connection))) {
        hold(connection, 0);
    }
    if (connection->write_failed) {
        ce_connection_kill(connection);
    } else if (whole) {
        complete(connection);
    } else {
        /* The rest of a request that nothing waits for is discarded from here on. */
        ce_connection_update_backpressure(connection);
    }
}

void ce_exchange_abort(ce_exchange *exchange) {
    ce_connection_kill(connection_of(exchange));
}

void ce_exchange_read(ce_exchange *exchange) {
    ce_connection *connection = connection_of(exchange);
    ce_exchange_want_body(exchange, true);
    if (exchange->state != CE_EXCHANGE_READING_BODY) {
        return;
    }
    if (exchange->continue_due) {
        exchange->continue_due = false;
        ce_exchange_write(exchange, (const uint8_t *)continue_head, sizeof continue_head - 1);
    }
    ce_connection_watch_body(connection);
    event_active(connection->work, EV_TIMEOUT, 0);
}

bool ce_exchange_holds_body(const ce_exchange *exchange, size_t length) {
    return exchange->state == CE_EXCHANGE_PAUSED && exchange->body_bytes == 0
        && ce_connection_waiting(connection_of(exchange)) >= length;
}

size_t ce_exchange_take_body(ce_exchange *exchange, uint8_t *into, size_t length) {
    ce_connection *connection = connection_of(exchange);
    evbuffer_remove(connection->waiting, into, length);
    ce_exchange_feed_body(exchange, into, length);
    ce_connection_update_backpressure(connection);
    return length;
}

void ce_exchange_peer(const ce_exchange *exchange, char text[46]) {
    char *address = NULL;
    ev_uint16_t port = 0;
    evhttp_connection_get_peer(connection_of(exchange)->evcon, &address, &port);
    if (address == NULL) {
        address = "";
    } else if (strncmp(address, "::ffff:", 7) == 0 && strchr(address, '.') != NULL) {
        /* RFC 4291 2.5.5.2: an IPv4 client at a socket for both. */
        address += 7;
    }
    strncpy(text, address, 45);
    text[45] = '\0';
}

bool ce_exchange_announced(const ce_exchange *exchange, ce_ip *client) {
    return ce_connection_announced(connection_of(exchange), client);
}
