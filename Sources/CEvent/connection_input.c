/* Bytes of clients: passed to the exchange as far as it takes them, and kept where it does not. */
#include "connection.h"
#include "request_parser.h"

/* The request is the callee's from here on. */
static void begin(ce_connection *connection) {
    ce_http *http = connection->http;
    ce_exchange *exchange = &connection->exchange;
    connection->requests += 1;
    ce_connection_limit(connection, connection->half_closed ? CE_HALF_CLOSED_LOOK_MS : 0);
    const ce_request *request = ce_exchange_begin(exchange);
    ce_connection_update_backpressure(connection);
    http->on_request(http->context, exchange, request, request == NULL ? &exchange->refusal : NULL);
    ce_exchange_begun(exchange, request);
}

static void settle(ce_connection *connection) {
    if (ce_exchange_takes_head(&connection->exchange)) {
        ce_connection_limit_wait(connection);
    }
    if (connection->exchange.state == CE_EXCHANGE_HANDED) {
        begin(connection);
    } else {
        ce_connection_update_backpressure(connection);
    }
}

/* Its client has ended its side, and no whole request is left: the rest that was waited for does not come. */
static bool lacks_its_end(const ce_connection *connection) {
    ce_exchange_state state = connection->exchange.state;
    return connection->half_closed && ce_connection_waiting(connection) == 0
        && (state == CE_EXCHANGE_NONE || state == CE_EXCHANGE_HEAD || state == CE_EXCHANGE_READING_BODY);
}

void ce_connection_parse_pending(ce_connection *connection) {
    struct evbuffer_iovec extent;
    size_t done = 0;
    do {
        if (ce_connection_discards(connection)) {
            evbuffer_drain(connection->waiting, ce_connection_waiting(connection));
            return;
        }
        extent = (struct evbuffer_iovec){ .iov_base = NULL, .iov_len = 0 };
        evbuffer_peek(connection->waiting, -1, NULL, &extent, 1);
        done = ce_exchange_feed(&connection->exchange, extent.iov_base, extent.iov_len);
        evbuffer_drain(connection->waiting, done);
    } while (done > 0 && done == extent.iov_len);
    if (lacks_its_end(connection)) {
        ce_connection_ended(connection);
        return;
    }
    settle(connection);
}

void ce_connection_head_too_slow(ce_connection *connection) {
    ce_exchange *exchange = &connection->exchange;
    ce_exchange_refuse(exchange, parser_refusal_of_request(exchange->parser, PARSER_HEAD_TOO_SLOW));
    ce_connection_parse_pending(connection);
}

static void discard(ce_connection *connection, size_t count) {
    connection->lingered += count;
    if (connection->lingered > CE_LINGER_BYTES) {
        ce_connection_kill(connection);
    }
}

void ce_connection_on_bytes(ce_connection *connection, const uint8_t *bytes, size_t count) {
    if (ce_connection_discards(connection)) {
        discard(connection, count);
        return;
    }
    if (ce_connection_waiting(connection) == 0) {
        size_t done = ce_exchange_feed(&connection->exchange, bytes, count);
        if (done == count) {
            settle(connection);
            return;
        }
        bytes += done;
        count -= done;
    }
    evbuffer_add(connection->waiting, bytes, count);
    ce_connection_parse_pending(connection);
}
