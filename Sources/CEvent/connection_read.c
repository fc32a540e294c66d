/* Reading from the handshake's end on: straight from TLS to the request parser. The bufferevent would take a second system call for each record,
 * a block of memory for each read, and evhttp would turn its reading off and on around each request. */
#include "connection.h"
#include "loop.h"

#include <stdlib.h>

/* Others have their turn after this. A record costs about as much as 2 KiB of its bytes. */
enum { READ_AT_ONCE = 64 * 1024, RECORDS_AT_ONCE = 32, RECORD_BYTES = 16 * 1024 };

/* In the next turn of the loop, behind all that is ready by then. What event_active makes active goes on in the same turn, so that a client
 * whose bytes never end would be read for ever. Not by a time limit on `readable`: libevent takes an event whose time is up from the socket. */
static void read_soon(ce_exchange *connection) {
    struct timeval now = { .tv_sec = 0, .tv_usec = 0 };
    connection->read_due = true;
    event_add(connection->work, &now);
}

void ce_connection_set_reading(ce_exchange *connection, bool read_enabled) {
    read_enabled = read_enabled && !connection->half_closed;
    if (connection->readable == NULL || connection->read_enabled == read_enabled) {
        return;
    }
    connection->read_enabled = read_enabled;
    if (read_enabled) {
        event_add(connection->readable, NULL);
        if (SSL_has_pending(connection->ssl)) {
            /* Bytes that OpenSSL holds already make no socket readable. */
            read_soon(connection);
        }
    } else {
        event_del(connection->readable);
    }
}

void ce_connection_ended(ce_exchange *connection) {
    switch (connection->phase) {
    case CE_PHASE_IDLE:
    case CE_PHASE_HEAD:
    case CE_PHASE_LINGERING:
        ce_connection_kill(connection);
        break;
    case CE_PHASE_ANSWERING:
        ce_exchange_client_lost(connection, CE_CLIENT_LOST_HUNG_UP);
        break;
    case CE_PHASE_HANDSHAKE:
    case CE_PHASE_HANDED:
    case CE_PHASE_CLOSING:
        break;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *connection);

static void listen_for(ce_exchange *connection, short what) {
    struct event_base *base = bufferevent_get_base(connection->bev);
    event_del(connection->readable);
    event_assign(connection->readable, base, bufferevent_getfd(connection->bev), what | EV_PERSIST, on_readable,
                 connection);
    event_add(connection->readable, NULL);
}

static void on_no_bytes(ce_exchange *connection, int result) {
    switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_WANT_WRITE:
        /* TLS has to answer, to a KeyUpdate for example, and the client reads nothing: until then there is nothing to be read. */
        listen_for(connection, EV_WRITE);
        break;
    case SSL_ERROR_ZERO_RETURN:
        ce_connection_half_closed(connection);
        break;
    default:
        ce_connection_ended(connection);
    }
}

void ce_connection_read(ce_exchange *connection) {
    uint8_t bytes[RECORD_BYTES];
    size_t total = 0, records = 0;
    connection->read_due = false;
    do {
        ce_forget_errors();
        int count = SSL_read(connection->ssl, bytes, sizeof bytes);
        if (count <= 0) {
            on_no_bytes(connection, count);
            return;
        }
        ce_connection_record_had_bytes(connection);
        ce_connection_on_bytes(connection, bytes, (size_t)count);
        total += (size_t)count;
        records += 1;
    } while (connection->read_enabled && total < READ_AT_ONCE && records < RECORDS_AT_ONCE
             && SSL_has_pending(connection->ssl));
    if (connection->read_enabled && SSL_has_pending(connection->ssl)) {
        read_soon(connection);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    ce_exchange *connection = context;
    if ((what & EV_WRITE) != 0) {
        listen_for(connection, EV_READ);
    }
    ce_connection_read(connection);
}

void ce_connection_take_over_reading(ce_exchange *connection) {
    connection->readable = event_new(bufferevent_get_base(connection->bev), bufferevent_getfd(connection->bev),
                                     EV_READ | EV_PERSIST, on_readable, connection);
    if (connection->readable == NULL) {
        abort();
    }
    ce_connection_update_backpressure(connection);
}
