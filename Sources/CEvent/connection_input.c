/* What clients send: read by the request parser, and handed on request by request. */
#include "connection.h"

#include <event2/bufferevent.h>
#include <string.h>

static const char stand_in_request[] = "GET / HTTP/1.1\r\n\r\n";

/* evhttp has a request to wait with for as long as the connection lives, and calls ce_exchange_take_over for it. */
void ce_connection_stand_in(ce_exchange *connection) {
    evbuffer_add(bufferevent_get_input(connection->bev), stand_in_request, sizeof stand_in_request - 1);
    bufferevent_trigger(connection->bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
}

/* The request begins when what came with it is put aside. */
static void hand_over(ce_exchange *connection) {
    connection->phase = CE_PHASE_HANDED;
    ce_connection_limit(connection, 0);
}

void ce_connection_refuse(ce_exchange *connection, ce_refusal refusal) {
    connection->refusal = refusal;
    connection->body_ended = true;
    if (connection->phase == CE_PHASE_ANSWERING) {
        /* The request's head was good and its body is not: the callee learns it as a refusal of the rest. */
        ce_exchange_client_lost(connection, CE_CLIENT_LOST_BODY_REFUSED);
    } else {
        hand_over(connection);
    }
}

static bool may_parse(const ce_exchange *connection) {
    switch (connection->phase) {
    case CE_PHASE_IDLE:
    case CE_PHASE_HEAD:
        return true;
    case CE_PHASE_ANSWERING:
        return connection->reading && !connection->body_ended;
    default:
        return false;
    }
}

void ce_connection_update_backpressure(ce_exchange *connection) {
    bool full = evbuffer_get_length(connection->waiting) >= CE_WAITING_HIGH;
    ce_connection_set_reading(connection, !full && connection->phase != CE_PHASE_CLOSING);
}

/* Small pieces of a body that go on together: 64 KiB of one-byte chunks are 11,000 pieces, each of which would be a call through all that
 * lies between here and the Hub. */
typedef struct ce_gathered {
    size_t count;
    uint8_t bytes[4096];
} ce_gathered;

enum { CE_SMALL_PIECE = 1024 };

static void give(ce_exchange *connection, ce_gathered *gathered) {
    size_t count = gathered->count;
    gathered->count = 0;
    if (count > 0) {
        ce_exchange_body_bytes(connection, gathered->bytes, count);
    }
}

static void gather(ce_exchange *connection, ce_gathered *gathered, const uint8_t *bytes, size_t count) {
    if (gathered->count + count > sizeof gathered->bytes || count > CE_SMALL_PIECE) {
        give(connection, gathered);
    }
    if (count > CE_SMALL_PIECE) {
        ce_exchange_body_bytes(connection, bytes, count);
    } else {
        memcpy(gathered->bytes + gathered->count, bytes, count);
        gathered->count += count;
    }
}

/* Feeds the request parser as far as the phase allows. Returns how much of the bytes is done with. */
static size_t feed(ce_exchange *connection, const uint8_t *bytes, size_t count) {
    size_t done = 0;
    ce_gathered gathered;
    gathered.count = 0; /* and the rest left as it is: to clear it would cost each request */
    /* With nothing left to read, the request parser still has to say that the body has ended. */
    while (may_parse(connection) && (done < count || connection->phase == CE_PHASE_ANSWERING)) {
        bool empty = done == count;
        size_t consumed = 0;
        ce_request_parser_event event =
            ce_request_parser_feed(connection->parser, bytes + done, count - done, &consumed);
        if (event == CE_PARSER_BODY) {
            ce_span body = ce_request_parser_body(connection->parser);
            gather(connection, &gathered, bytes + done + body.offset, body.length);
        }
        done += consumed;
        if (event == CE_PARSER_HEAD) {
            hand_over(connection);
        } else if (event == CE_PARSER_END || event == CE_PARSER_REFUSED) {
            give(connection, &gathered);
            if (connection->phase == CE_PHASE_CLOSING) {
                /* Whoever got those bytes has given up. */
                break;
            }
            if (event == CE_PARSER_END) {
                ce_exchange_body_ended(connection);
            } else {
                ce_connection_refuse(connection, ce_request_parser_refusal(connection->parser));
                break;
            }
        } else if (empty) {
            break;
        }
    }
    give(connection, &gathered);
    return done;
}

static void settle(ce_exchange *connection) {
    if (connection->phase == CE_PHASE_IDLE && !ce_request_parser_is_idle(connection->parser)) {
        connection->phase = CE_PHASE_HEAD;
        ce_connection_limit_wait(connection);
    }
    ce_connection_update_backpressure(connection);
    if (connection->phase == CE_PHASE_HANDED) {
        ce_exchange_begin(connection);
    }
}

/* Its client has ended its side within a body that is waited for. */
static bool lacks_its_end(const ce_exchange *connection) {
    return connection->half_closed && connection->phase == CE_PHASE_ANSWERING && connection->reading
        && !connection->body_ended && evbuffer_get_length(connection->waiting) == 0;
}

void ce_connection_parse_pending(ce_exchange *connection) {
    struct evbuffer_iovec extent;
    size_t done;
    do {
        extent = (struct evbuffer_iovec){ .iov_base = NULL, .iov_len = 0 };
        evbuffer_peek(connection->waiting, -1, NULL, &extent, 1);
        done = feed(connection, extent.iov_base, extent.iov_len);
        evbuffer_drain(connection->waiting, done);
    } while (done > 0 && done == extent.iov_len);
    if (lacks_its_end(connection)) {
        ce_connection_ended(connection);
        return;
    }
    settle(connection);
}

static bool is_discarding(const ce_exchange *connection) {
    return connection->phase == CE_PHASE_LINGERING || connection->phase == CE_PHASE_CLOSING;
}

static void discard(ce_exchange *connection, size_t count) {
    connection->lingered += count;
    if (connection->lingered > CE_LINGER_BYTES) {
        ce_connection_kill(connection);
    }
}

void ce_connection_on_bytes(ce_exchange *connection, const uint8_t *bytes, size_t count) {
    if (is_discarding(connection)) {
        discard(connection, count);
        return;
    }
    if (evbuffer_get_length(connection->waiting) == 0) {
        size_t done = feed(connection, bytes, count);
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
