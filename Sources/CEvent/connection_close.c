/* The ways in which a connection ends. */
#include "connection.h"

#include <sys/socket.h>

/* A shutdown alone would still let OpenSSL read a waiting ClientHello and sign a response to it. */
void ce_connection_turn_away(ce_connection *connection) {
    ce_connection_enter(connection, CE_CONNECTION_CLOSING);
    bufferevent_disable(connection->bev, EV_READ | EV_WRITE);
    bufferevent_trigger_event(connection->bev, BEV_EVENT_EOF | BEV_EVENT_READING, BEV_TRIG_DEFER_CALLBACKS);
}

void ce_connection_kill(ce_connection *connection) {
    if (connection->state == CE_CONNECTION_CLOSING) {
        return;
    }
    ce_exchange_end(&connection->exchange, false);
    ce_connection_enter(connection, CE_CONNECTION_CLOSING);
    ce_connection_limit(connection, 0);
    ce_wire_drop(connection);
    /* A FIN after the bytes that were sent: a reset would take from the client what it has not read yet. */
    shutdown(bufferevent_getfd(connection->bev), SHUT_WR);
    bufferevent_disable(connection->bev, EV_READ | EV_WRITE);
    ce_connection_set_reading(connection, false);
    event_active(connection->work, EV_TIMEOUT, 0);
}

/* Without close_notify, OpenSSL clients throw the session away, and some take the response for cut off. OpenSSL keeps the buffer that it writes
 * an alert from, 16 KiB, and a server that stops has one to write on each idle connection. */
static void send_close_notify(ce_connection *connection) {
    SSL_shutdown(connection->ssl);
    SSL_free_buffers(connection->ssl);
}

/* Where the socket has just become full, the alert waits for it. OpenSSL would not write it again. */
static bool send_last_close_notify(ce_connection *connection) {
    ce_wire_gather(connection);
    send_close_notify(connection);
    ce_wire_gather_no_more(connection);
    return ce_wire_unsent(connection) == 0;
}

void ce_connection_close(ce_connection *connection, bool unread) {
    bool is_sent = send_last_close_notify(connection);
    if (connection->write_failed || (is_sent && !unread)) {
        ce_connection_kill(connection);
        return;
    }
    ce_connection_enter(connection, CE_CONNECTION_LINGERING);
    if (is_sent) {
        shutdown(bufferevent_getfd(connection->bev), SHUT_WR);
    }
    ce_connection_limit(connection, connection->http->leaving ? CE_LEAVING_LINGER_MS : CE_LINGER_MS);
    ce_connection_set_reading(connection, unread);
    /* What waits is discarded there, and not here: the request parser may be reading it just now. */
    event_active(connection->work, EV_TIMEOUT, 0);
}

void ce_connection_close_idle(ce_connection *connection) {
    if (connection->wired) {
        ce_connection_close(connection, false);
        return;
    }
    if (SSL_is_init_finished(connection->ssl)) {
        send_close_notify(connection);
    }
    /* Its end is then read, as if the client had closed it, and the connection is freed. */
    shutdown(bufferevent_getfd(connection->bev), SHUT_RDWR);
}

void ce_connection_client_lost(ce_connection *connection, ce_client_lost why) {
    bufferevent_disable(connection->bev, EV_WRITE);
    ce_wire_drop(connection);
    ce_connection_set_reading(connection, false);
    if (connection->state == CE_CONNECTION_LINGERING || connection->exchange.state == CE_EXCHANGE_FINISHED) {
        ce_connection_kill(connection);
    } else {
        ce_exchange_lose(&connection->exchange, why);
    }
}

void ce_connection_ended(ce_connection *connection) {
    if (connection->state == CE_CONNECTION_LINGERING) {
        ce_connection_kill(connection);
        return;
    }
    if (connection->state != CE_CONNECTION_OPEN) {
        return;
    }
    switch (connection->exchange.state) {
    case CE_EXCHANGE_NONE:
    case CE_EXCHANGE_HEAD:
        /* It may have ended its side alone, and not have read the last response yet: RFC 8446 section 6.1 wants a close_notify back. */
        if ((SSL_get_shutdown(connection->ssl) & SSL_RECEIVED_SHUTDOWN) != 0) {
            ce_connection_close(connection, false);
        } else {
            ce_connection_kill(connection);
        }
        break;
    case CE_EXCHANGE_HANDED:
        break;
    default:
        ce_connection_client_lost(connection, CE_CLIENT_LOST_HUNG_UP);
    }
}
