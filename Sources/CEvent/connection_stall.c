/* Whether a body still comes in, and a response still goes out. No timer is touched while bytes move: what has moved is looked at now and then. */
#include "connection.h"
#include "request_parser.h"

static void watch(ce_connection *connection, ce_progress *progress, uint64_t bytes, uint32_t limit_ms) {
    if (progress->since_ms == 0) {
        *progress = (ce_progress){ .bytes = bytes, .since_ms = ce_connection_now_ms() };
    }
    ce_connection_limit_at_most(connection, limit_ms / CE_PROGRESS_LOOKS + 1);
}

void ce_connection_watch_body(ce_connection *connection) {
    ce_exchange *exchange = &connection->exchange;
    watch(connection, &exchange->body, exchange->body_bytes, connection->http->limits.body_stall_ms);
}

/* A reader may pause for long, as data loaders do, while its place is not needed. */
static uint32_t write_limit(const ce_http *http) {
    bool crowded = http->connection_count > http->limits.connections / 2;
    return crowded || http->limits.write_pause_ms < http->limits.write_stall_ms ? http->limits.write_stall_ms
                                                                                : http->limits.write_pause_ms;
}

void ce_connection_watch_written(ce_connection *connection) {
    /* By the shorter of the two: places may get scarce meanwhile. */
    watch(connection, &connection->exchange.written, connection->sent, connection->http->limits.write_stall_ms);
}

static bool stands_still(ce_progress *progress, uint64_t bytes, uint32_t limit_ms) {
    int64_t now = ce_connection_now_ms();
    if (bytes - progress->bytes >= CE_PROGRESS_BYTES) {
        progress->bytes = bytes;
        progress->since_ms = now;
    }
    return now - progress->since_ms >= limit_ms;
}

void ce_connection_look(ce_connection *connection) {
    ce_exchange *exchange = &connection->exchange;
    const ce_http_limits *limits = &connection->http->limits;
    if (connection->half_closed) {
        if (!ce_connection_is_read(connection)) {
            ce_connection_client_lost(connection, CE_CLIENT_LOST_HUNG_UP);
            return;
        }
        ce_connection_limit_at_most(connection, CE_HALF_CLOSED_LOOK_MS);
    }
    bool writes = ce_connection_queued(connection) > 0;
    if (writes && stands_still(&exchange->written, connection->sent, write_limit(connection->http))) {
        ce_connection_client_lost(connection, CE_CLIENT_LOST_READ_STALLED);
        return;
    }
    if (exchange->state == CE_EXCHANGE_READING_BODY) {
        if (stands_still(&exchange->body, exchange->body_bytes, limits->body_stall_ms)) {
            ce_exchange_refuse(exchange, parser_refusal_of(PARSER_BODY_TOO_SLOW));
        } else {
            ce_connection_watch_body(connection);
        }
    }
    if (writes) {
        ce_connection_watch_written(connection);
    }
}
