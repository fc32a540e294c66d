/* The states of an exchange, and the events that its callee gets. */
#include "exchange.h"

bool ce_exchange_takes_head(ce_exchange *exchange) {
    if (exchange->state != CE_EXCHANGE_NONE || exchange->parser == NULL
        || ce_request_parser_is_idle(exchange->parser)) {
        return false;
    }
    exchange->state = CE_EXCHANGE_HEAD;
    return true;
}

static void refuse_body(ce_exchange *exchange) {
    exchange->state = CE_EXCHANGE_BODY_ENDED;
    exchange->close_after = true;
    if (exchange->events != NULL && !exchange->body_refused) {
        exchange->body_refused = true;
        exchange->events->client_lost(exchange->context, CE_CLIENT_LOST_BODY_REFUSED, &exchange->refusal);
    }
}

void ce_exchange_refuse(ce_exchange *exchange, ce_refusal refusal) {
    exchange->refusal = refusal;
    if (ce_exchange_is_under_way(exchange)) {
        refuse_body(exchange);
    } else {
        exchange->state = CE_EXCHANGE_HANDED;
    }
}

static bool has_body(const ce_request *request) {
    return request->framing == CE_FRAMING_CHUNKED
        || (request->framing == CE_FRAMING_LENGTH && request->content_length > 0);
}

const ce_request *ce_exchange_begin(ce_exchange *exchange) {
    bool refused = exchange->refusal.status != 0;
    const ce_request *request = refused ? NULL : ce_request_parser_request(exchange->parser);
    exchange->state = refused || !has_body(request) ? CE_EXCHANGE_BODY_ENDED : CE_EXCHANGE_PAUSED;
    exchange->close_after = refused || request->close;
    exchange->continue_due = !refused && request->expects_continue;
    exchange->unread = exchange->body_refused = false;
    exchange->body_bytes = 0;
    exchange->body.since_ms = exchange->written.since_ms = 0;
    return request;
}

void ce_exchange_begun(ce_exchange *exchange, const ce_request *request) {
    if (request != NULL && !has_body(request)) {
        /* The parser still has to say that the request has ended. */
        size_t consumed;
        ce_request_parser_feed(exchange->parser, NULL, 0, &consumed);
    }
    if (exchange->state == CE_EXCHANGE_NONE) {
        /* It has been answered already: only here the callee needs the head no more. */
        ce_parsers_give_back(exchange);
    }
}

void ce_exchange_accept(ce_exchange *exchange, const ce_exchange_events *events, void *context) {
    exchange->events = events;
    exchange->context = context;
}

void ce_exchange_close_after(ce_exchange *exchange) {
    exchange->close_after = true;
}

void ce_exchange_want_body(ce_exchange *exchange, bool wanted) {
    if (exchange->state == CE_EXCHANGE_PAUSED || exchange->state == CE_EXCHANGE_READING_BODY) {
        exchange->state = wanted ? CE_EXCHANGE_READING_BODY : CE_EXCHANGE_PAUSED;
    }
}

void ce_exchange_pause(ce_exchange *exchange) {
    ce_exchange_want_body(exchange, false);
    exchange->body.since_ms = 0;
}

void ce_exchange_body_ended(ce_exchange *exchange) {
    exchange->state = CE_EXCHANGE_BODY_ENDED;
    if (exchange->events != NULL) {
        exchange->events->body_end(exchange->context);
    }
}

void ce_exchange_lose(ce_exchange *exchange, ce_client_lost why) {
    bool told = exchange->state == CE_EXCHANGE_LOST || exchange->body_refused;
    exchange->state = CE_EXCHANGE_LOST;
    if (exchange->events != NULL && !told) {
        exchange->events->client_lost(exchange->context, why, NULL);
    }
}

void ce_exchange_finished(ce_exchange *exchange) {
    exchange->unread = exchange->state != CE_EXCHANGE_BODY_ENDED || exchange->refusal.status != 0;
    exchange->close_after |= exchange->unread;
    exchange->state = CE_EXCHANGE_FINISHED;
}

void ce_exchange_end(ce_exchange *exchange, bool whole) {
    const ce_exchange_events *events = exchange->events;
    exchange->state = CE_EXCHANGE_FINISHED;
    exchange->events = NULL;
    if (events != NULL) {
        events->done(exchange->context, whole);
    }
}

void ce_exchange_await_next(ce_exchange *exchange) {
    exchange->state = CE_EXCHANGE_NONE;
    if (ce_request_parser_is_idle(exchange->parser)) {
        ce_parsers_give_back(exchange);
    }
}
