/* What clients send: taken out of evhttp's hands, read by the gate, and handed on request by request. */
#include "connection.h"

#include <event2/bufferevent.h>

static const char stand_in_request[] = "GET / HTTP/1.1\r\n\r\n";

/* Hands evhttp a request to be answered. */
static void hand_over(ce_exchange *connection) {
    connection->phase = CE_PHASE_HANDED;
    ce_connection_limit(connection, 0);
    connection->taking_bytes = true;
    evbuffer_add(bufferevent_get_input(connection->bev), stand_in_request, sizeof stand_in_request - 1);
    connection->taking_bytes = false;
}

void ce_connection_refuse(ce_exchange *connection, ce_refusal refusal) {
    connection->refusal = refusal;
    connection->body_ended = true;
    if (connection->phase == CE_PHASE_ANSWERING) {
        /* The request's head was good and its body is not: the callee learns it as a refusal of the rest. */
        ce_exchange_gone(connection, CE_GONE_BODY_REFUSED);
    } else {
        hand_over(connection);
    }
}

static bool may_parse(const ce_exchange *connection) {
    switch (connection->phase) {
    case CE_PHASE_HANDSHAKE:
    case CE_PHASE_IDLE:
    case CE_PHASE_HEAD:
        return true;
    case CE_PHASE_ANSWERING:
        return connection->reading && !connection->body_ended;
    default:
        return false;
    }
}

void ce_connection_regulate(ce_exchange *connection) {
    bool full = evbuffer_get_length(connection->waiting) >= CE_WAITING_HIGH;
    if (full) {
        bufferevent_disable(connection->bev, EV_READ);
    } else if (connection->phase != CE_PHASE_CLOSING && !(bufferevent_get_enabled(connection->bev) & EV_READ)) {
        bufferevent_enable(connection->bev, EV_READ);
    }
}

static void after_pump(ce_exchange *connection) {
    if (connection->phase == CE_PHASE_IDLE || connection->phase == CE_PHASE_HANDSHAKE) {
        if (!ce_gate_is_idle(connection->gate)) {
            connection->phase = CE_PHASE_HEAD;
            ce_connection_limit_wait(connection);
        }
    }
    ce_connection_regulate(connection);
}

/* One event of the gate. Returns false when parsing has to stop for now. */
static bool pump_once(ce_exchange *connection) {
    struct evbuffer_iovec extent = { .iov_base = NULL, .iov_len = 0 };
    bool empty = evbuffer_peek(connection->waiting, -1, NULL, &extent, 1) < 1 || extent.iov_len == 0;
    if (empty && connection->phase != CE_PHASE_ANSWERING) {
        return false;
    }
    /* With nothing left to read, the gate still has to say that the body has ended. */
    size_t consumed = 0;
    ce_gate_event event = ce_gate_feed(connection->gate, extent.iov_base, extent.iov_len, &consumed);
    if (event == CE_GATE_BODY) {
        ce_span body = ce_gate_body(connection->gate);
        ce_exchange_body_bytes(connection, (const uint8_t *)extent.iov_base + body.offset, body.length);
    }
    evbuffer_drain(connection->waiting, consumed);
    switch (event) {
    case CE_GATE_HEAD:
        hand_over(connection);
        return false;
    case CE_GATE_END:
        ce_exchange_body_ended(connection);
        return false;
    case CE_GATE_REFUSED:
        ce_connection_refuse(connection, ce_gate_refusal(connection->gate));
        return false;
    case CE_GATE_MORE:
    case CE_GATE_BODY:
        return !empty;
    }
    return false;
}

void ce_connection_pump(ce_exchange *connection) {
    while (may_parse(connection) && pump_once(connection)) {
    }
    after_pump(connection);
}

static void take_bytes(ce_exchange *connection, struct evbuffer *input, size_t added) {
    size_t older = evbuffer_get_length(input) - added;
    if (older == 0) {
        evbuffer_remove_buffer(input, connection->waiting, added);
        return;
    }
    /* A stand-in that evhttp has not read yet stands before the new bytes and has to stay. */
    struct evbuffer *kept = evbuffer_new();
    evbuffer_remove_buffer(input, kept, older);
    evbuffer_remove_buffer(input, connection->waiting, added);
    evbuffer_add_buffer(input, kept);
    evbuffer_free(kept);
}

void ce_connection_on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context) {
    ce_exchange *connection = context;
    if (info->n_added == 0 || connection->taking_bytes) {
        return;
    }
    connection->taking_bytes = true;
    take_bytes(connection, input, info->n_added);
    connection->taking_bytes = false;
    if (connection->phase == CE_PHASE_LINGERING || connection->phase == CE_PHASE_CLOSING) {
        connection->lingered += evbuffer_get_length(connection->waiting);
        evbuffer_drain(connection->waiting, evbuffer_get_length(connection->waiting));
        if (connection->lingered > CE_LINGER_BYTES) {
            ce_connection_kill(connection);
        }
        return;
    }
    ce_connection_pump(connection);
}
