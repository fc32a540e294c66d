/* Reading from the handshake's end on: straight from TLS to the request parser. The bufferevent would take a second system call for each record,
 * a block of memory for each read, and evhttp would turn its reading off and on around each request. */
#include "connection.h"
#include "loop.h"

#include <stdlib.h>

/* Others have their turn after this. A record costs about as much as 2 KiB of its bytes. */
enum { READ_AT_ONCE = 64 * 1024, RECORDS_AT_ONCE = 32, RECORD_BYTES = 16 * 1024 };
/* How much OpenSSL reads ahead of a body that is known to be long: four records by one system call. Not for others: a client that sends a part of a
 * record and stops would make us keep as much. */
enum { LONG_BODY_AHEAD = 4 * (RECORD_BYTES + 64) };

static void on_readable(evutil_socket_t fd, short what, void *connection);

static bool reads_long_body(const ce_connection *connection) {
    return connection->exchange.body_bytes >= CE_LONG_BODY_BYTES;
}

static void listen_for(ce_connection *connection, short what) {
    connection->tls_writes = what == EV_WRITE;
    struct event_base *base = bufferevent_get_base(connection->bev);
    event_del(connection->readable);
    event_assign(connection->readable, base, bufferevent_getfd(connection->bev), what | EV_PERSIST, on_readable,
                 connection);
    event_add(connection->readable, NULL);
}

static void on_no_bytes(ce_connection *connection, int result) {
    switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_WANT_WRITE:
        /* TLS has to send something first, for example a response to a KeyUpdate, and the client reads nothing: until then nothing can be read. */
        listen_for(connection, EV_WRITE);
        break;
    case SSL_ERROR_ZERO_RETURN:
        ce_connection_half_closed(connection);
        break;
    default:
        ce_connection_ended(connection);
    }
}

static void read_piece(ce_connection *connection) {
    uint8_t bytes[RECORD_BYTES];
    size_t total = 0, records = 0;
    connection->read_due = false;
    SSL_set_default_read_buffer_len(connection->ssl, reads_long_body(connection) ? LONG_BODY_AHEAD : 0);
    do {
        ce_forget_errors();
        int count = SSL_read(connection->ssl, bytes, sizeof bytes);
        if (count <= 0) {
            on_no_bytes(connection, count);
            return;
        }
        /* The last record was of use. */
        connection->silent_records -= 1;
        ce_connection_on_bytes(connection, bytes, (size_t)count);
        total += (size_t)count;
        records += 1;
    } while (connection->read_enabled && total < READ_AT_ONCE && records < RECORDS_AT_ONCE
             && SSL_has_pending(connection->ssl));
    if (connection->read_enabled && SSL_has_pending(connection->ssl)) {
        ce_connection_read_soon(connection);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    ce_connection *connection = context;
    if ((what & EV_WRITE) != 0) {
        listen_for(connection, EV_READ);
    }
    ce_connection_read(connection);
}

void ce_connection_read(ce_connection *connection) {
    if (!reads_long_body(connection)) {
        read_piece(connection);
    } else if (!ce_turn_take(&connection->http->loop->turns, &connection->turn)) {
        /* The socket would report it in each turn of the loop in which it waits. */
        connection->read_stopped = true;
        event_del(connection->readable);
    }
}

void ce_connection_take_turn(void *context) {
    ce_connection *connection = context;
    if (!ce_connection_is_live(connection) || !connection->read_enabled) {
        return;
    }
    if (connection->read_stopped) {
        connection->read_stopped = false;
        event_add(connection->readable, NULL);
    }
    read_piece(connection);
}

void ce_connection_take_over_reading(ce_connection *connection) {
    connection->readable = event_new(bufferevent_get_base(connection->bev), bufferevent_getfd(connection->bev),
                                     EV_READ | EV_PERSIST, on_readable, connection);
    if (connection->readable == NULL) {
        abort();
    }
    ce_connection_update_backpressure(connection);
}
