/* A client that has ended its side of the connection and still reads: `shutdown` after its request, or close_notify (RFC 8446 section 6.1, which allows
 * either side to continue). A client that has left looks the same: its system sends FIN for both. Bytes that reach it show the difference, by a
 * reset. So one record is sent that every client has to understand and that is no part of a response. */
#include "connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

/* A KeyUpdate (RFC 8446 section 4.6.3). TLS 1.2 has no such record: there a client that sends FIN counts as gone. */
static bool probe(ce_connection *connection) {
    /* If records wait for the socket, those are the probe. A KeyUpdate after them would be left half written at the end. */
    if (connection->probed || ce_wire_unsent(connection) > 0) {
        return true;
    }
    connection->probed = true;
    if (SSL_version(connection->ssl) < TLS1_3_VERSION) {
        return false;
    }
    ce_forget_errors();
    /* Where a record waits to be written, that one is the probe. */
    if (SSL_key_update(connection->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1) {
        SSL_do_handshake(connection->ssl);
    }
    return true;
}

bool ce_connection_is_read(ce_connection *connection) {
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(bufferevent_getfd(connection->bev), IPPROTO_TCP, TCP_INFO, &info, &length) != 0) {
        return false;
    }
    switch (info.tcpi_state) {
    case TCP_ESTABLISHED: /* close_notify alone */
        return true;
    case TCP_CLOSE_WAIT:
        return probe(connection);
    default:
        return false;
    }
}

/* Nothing more of the request is needed, or the rest of its body, or the next request, waits: the parser finds out. */
static bool may_be_whole(const ce_connection *connection) {
    ce_exchange_state state = connection->exchange.state;
    bool body_ended = state == CE_EXCHANGE_BODY_ENDED || state == CE_EXCHANGE_FINISHED;
    bool may_be_in_what_waits = state == CE_EXCHANGE_NONE || ce_exchange_is_under_way(&connection->exchange);
    return connection->state == CE_CONNECTION_OPEN
        && (body_ended || (may_be_in_what_waits && ce_connection_waiting(connection) > 0));
}

void ce_connection_half_closed(ce_connection *connection) {
    if (!may_be_whole(connection) || connection->misbehaves) {
        ce_connection_ended(connection);
        return;
    }
    ce_connection_set_reading(connection, false);
    connection->half_closed = true;
    if (!ce_connection_is_read(connection)) {
        ce_connection_ended(connection);
        return;
    }
    ce_connection_limit_at_most(connection, CE_HALF_CLOSED_LOOK_MS);
}
