/* What a client sends, read by the request parser: a head, then the pieces of its body, then its end. */
#include "exchange.h"

#include <string.h>

/* Small pieces of a body that go on together: 64 KiB of one-byte chunks are 11,000 pieces, each of which would be a call through all that
 * lies between here and the Hub. */
typedef struct ce_gathered {
    size_t count;
    uint8_t bytes[4096];
} ce_gathered;

enum { CE_SMALL_PIECE = 1024 };

static void give(ce_exchange *exchange, const uint8_t *bytes, size_t count) {
    exchange->body_bytes += count;
    if (exchange->events != NULL) {
        exchange->events->body(exchange->context, bytes, count);
    }
}

static void give_gathered(ce_exchange *exchange, ce_gathered *gathered) {
    size_t count = gathered->count;
    gathered->count = 0;
    if (count > 0) {
        give(exchange, gathered->bytes, count);
    }
}

static void gather(ce_exchange *exchange, ce_gathered *gathered, const uint8_t *bytes, size_t count) {
    if (gathered->count + count > sizeof gathered->bytes || count > CE_SMALL_PIECE) {
        give_gathered(exchange, gathered);
    }
    if (count > CE_SMALL_PIECE) {
        give(exchange, bytes, count);
    } else {
        memcpy(gathered->bytes + gathered->count, bytes, count);
        gathered->count += count;
    }
}

static bool may_parse(const ce_exchange *exchange) {
    return exchange->state == CE_EXCHANGE_NONE || exchange->state == CE_EXCHANGE_HEAD
        || exchange->state == CE_EXCHANGE_READING_BODY;
}

/* The parser has come to the end of a body, or to what breaks it. The callee gets first what came before; it may give up at that. */
static void end_body(ce_exchange *exchange, ce_request_parser_event event) {
    if (exchange->state == CE_EXCHANGE_FINISHED || exchange->state == CE_EXCHANGE_LOST) {
        return;
    }
    if (event == CE_PARSER_END) {
        ce_exchange_body_ended(exchange);
    } else {
        ce_exchange_refuse(exchange, ce_request_parser_refusal(exchange->parser));
    }
}

size_t ce_exchange_feed(ce_exchange *exchange, const uint8_t *bytes, size_t count) {
    size_t done = 0;
    ce_gathered gathered;
    gathered.count = 0; /* and the rest left as it is: to clear it would cost each request */
    if (exchange->parser == NULL && count > 0) {
        ce_parsers_take(exchange);
    }
    /* With nothing left to read, the request parser still has to say that the body has ended. */
    while (may_parse(exchange) && (done < count || exchange->state == CE_EXCHANGE_READING_BODY)) {
        bool empty = done == count;
        size_t consumed = 0;
        ce_request_parser_event event = ce_request_parser_feed(exchange->parser, bytes + done, count - done, &consumed);
        if (event == CE_PARSER_BODY) {
            ce_span body = ce_request_parser_body(exchange->parser);
            gather(exchange, &gathered, bytes + done + body.offset, body.length);
        }
        done += consumed;
        if (event == CE_PARSER_HEAD) {
            exchange->state = CE_EXCHANGE_HANDED;
        } else if (event == CE_PARSER_END || event == CE_PARSER_REFUSED) {
            give_gathered(exchange, &gathered);
            end_body(exchange, event);
        } else if (empty) {
            break;
        }
    }
    give_gathered(exchange, &gathered);
    return done;
}

void ce_exchange_feed_body(ce_exchange *exchange, const uint8_t *bytes, size_t length) {
    size_t done = 0, consumed = 0;
    ce_request_parser_event event;
    do {
        event = ce_request_parser_feed(exchange->parser, bytes + done, length - done, &consumed);
        done += consumed;
    } while (event == CE_PARSER_BODY);
    exchange->body_bytes = done;
    exchange->continue_due = false;
    exchange->state = CE_EXCHANGE_BODY_ENDED;
}
