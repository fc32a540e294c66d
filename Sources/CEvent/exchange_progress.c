/* Whether a body still comes in, and a response still goes out. */
#include "connection.h"
#include "request_parser.h"

static uint64_t written_bytes(const ce_exchange *exchange) {
    return BIO_number_written(SSL_get_wbio(exchange->ssl));
}

/* No timer is touched while bytes move: what has moved is looked at now and then. */
static void watch(ce_exchange *exchange, ce_progress *progress, uint64_t bytes, uint32_t limit_ms) {
    if (!progress->watched) {
        *progress = (ce_progress){ .watched = true, .bytes = bytes, .since_ms = ce_connection_now_ms() };
    }
    ce_connection_limit_at_most(exchange, limit_ms / CE_PROGRESS_LOOKS + 1);
}

void ce_exchange_watch_body(ce_exchange *exchange) {
    watch(exchange, &exchange->body, exchange->body_bytes, exchange->http->limits.body_stall_ms);
}

/* A reader may pause for long, as data loaders do, while its place is not needed. */
static uint32_t write_limit(const ce_exchange *exchange) {
    const ce_http *http = exchange->http;
    bool crowded = http->connection_count > http->limits.connections / 2;
    return crowded || http->limits.write_pause_ms < http->limits.write_stall_ms ? http->limits.write_stall_ms
                                                                                : http->limits.write_pause_ms;
}

void ce_exchange_watch_written(ce_exchange *exchange) {
    /* By the shorter of the two: places may get scarce meanwhile. */
    watch(exchange, &exchange->written, written_bytes(exchange), exchange->http->limits.write_stall_ms);
}

static bool stands_still(ce_progress *progress, uint64_t bytes, uint32_t limit_ms) {
    int64_t now = ce_connection_now_ms();
    if (bytes - progress->bytes >= CE_PROGRESS_BYTES) {
        progress->bytes = bytes;
        progress->since_ms = now;
    }
    return now - progress->since_ms >= limit_ms;
}

void ce_exchange_limit_passed(ce_exchange *exchange) {
    if (exchange->half_closed) {
        if (!ce_connection_is_read(exchange)) {
            ce_exchange_client_lost(exchange, CE_CLIENT_LOST_HUNG_UP);
            return;
        }
        ce_connection_limit_at_most(exchange, CE_HALF_CLOSED_LOOK_MS);
    }
    bool writes = ce_exchange_queued(exchange) > 0;
    bool reads = exchange->reading && !exchange->body_ended;
    if (writes && stands_still(&exchange->written, written_bytes(exchange), write_limit(exchange))) {
        ce_exchange_client_lost(exchange, CE_CLIENT_LOST_READ_STALLED);
        return;
    }
    if (reads && stands_still(&exchange->body, exchange->body_bytes, exchange->http->limits.body_stall_ms)) {
        exchange->refusal = parser_refusal_of(PARSER_BODY_TOO_SLOW);
        ce_exchange_client_lost(exchange, CE_CLIENT_LOST_BODY_REFUSED);
        reads = false;
    }
    if (writes) {
        ce_exchange_watch_written(exchange);
    }
    if (reads) {
        ce_exchange_watch_body(exchange);
    }
}
