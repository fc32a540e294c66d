/* Whether a connection reads: it stops while enough waits, or while what comes in is not wanted. */
#include "connection.h"

/* In the next turn of the loop, after everything that is ready by then. An event that event_active activates runs in the same turn, so a client
 * whose bytes never end would be read for ever. Not by a time limit on `readable`: libevent takes an event whose time is up from the socket. */
void ce_connection_read_soon(ce_connection *connection) {
    struct timeval now = { .tv_sec = 0, .tv_usec = 0 };
    connection->read_due = true;
    event_add(connection->work, &now);
}

void ce_connection_set_reading(ce_connection *connection, bool read_enabled) {
    read_enabled = read_enabled && !connection->half_closed;
    if (connection->readable == NULL || connection->read_enabled == read_enabled) {
        return;
    }
    connection->read_enabled = read_enabled;
    if (read_enabled) {
        event_add(connection->readable, NULL);
        if (SSL_has_pending(connection->ssl)) {
            /* Bytes that OpenSSL holds already make no socket readable. */
            ce_connection_read_soon(connection);
        }
    } else {
        event_del(connection->readable);
    }
}

void ce_connection_update_backpressure(ce_connection *connection) {
    bool over = connection->state == CE_CONNECTION_CLOSING || connection->exchange.state == CE_EXCHANGE_LOST;
    bool full = !ce_connection_discards(connection) && ce_connection_waiting(connection) >= CE_WAITING_HIGH;
    ce_connection_set_reading(connection, !over && !full);
}
