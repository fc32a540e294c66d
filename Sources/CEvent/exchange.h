/* Private to CEvent: one request of a client and the one response to it, without any I/O. The connection that it is embedded in feeds it
 * its client's bytes and asks it for its state; it calls the request parser and the callee (ce_exchange_events), and nothing else.
 * What the callee calls and needs the connection for is in connection_exchange.c. */
#ifndef CE_EXCHANGE_H
#define CE_EXCHANGE_H

#include "CEvent.h"

/* From CE_EXCHANGE_PAUSED on the request is under way: the callee has it. */
typedef enum ce_exchange_state {
    CE_EXCHANGE_NONE, /* between requests */
    CE_EXCHANGE_HEAD, /* a part of a head has come */
    /* A head is complete, or is refused. The request begins when the bytes that came with it have been put aside: the callee may answer at
     * once, and the next request must not begin inside that. */
    CE_EXCHANGE_HANDED,
    CE_EXCHANGE_PAUSED,       /* the callee wants no bytes of the body now */
    CE_EXCHANGE_READING_BODY, /* it does */
    CE_EXCHANGE_BODY_ENDED,   /* all of the request has been read, or its rest is refused */
    CE_EXCHANGE_FINISHED,     /* the response is complete; what waits of it goes out */
    CE_EXCHANGE_LOST,         /* the client has gone or stands still: the callee is about to finish or to abort */
} ce_exchange_state;

/* Watches that bytes go on, in one direction. */
typedef struct ce_progress {
    uint64_t bytes;   /* at the last sign of progress */
    int64_t since_ms; /* when that was; 0: it is not watched */
} ce_progress;

enum { CE_PARSERS_SPARE = 64 };

/* The request parsers that no exchange has, and the limits of the next request. */
typedef struct ce_parsers {
    ce_request_parser_limits limits;
    uint32_t spare_count;
    ce_request_parser *spare[CE_PARSERS_SPARE];
} ce_parsers;

struct ce_exchange {
    ce_exchange_state state;
    bool continue_due; /* 100 (Continue) is expected and not yet sent */
    bool close_after;  /* the connection closes after the response */
    bool unread;       /* it was finished before all of its request was read */
    bool body_refused; /* the callee has been told of the refusal as ce_exchange_events.client_lost */
    ce_parsers *parsers;
    ce_request_parser *parser;        /* NULL between requests */
    const ce_exchange_events *events; /* NULL: it has no callee, or `done` was called */
    void *context;
    uint64_t body_bytes;
    ce_progress body, written;
    ce_refusal refusal; /* status 0: none */
};

static inline bool ce_exchange_is_under_way(const ce_exchange *exchange) {
    return exchange->state >= CE_EXCHANGE_PAUSED;
}

/* Bytes of a response may be written. */
static inline bool ce_exchange_is_open(const ce_exchange *exchange) {
    return exchange->state >= CE_EXCHANGE_PAUSED && exchange->state <= CE_EXCHANGE_BODY_ENDED
        && exchange->events != NULL;
}

/* What still comes in belongs to no request that will be read. */
static inline bool ce_exchange_discards(const ce_exchange *exchange) {
    return exchange->state == CE_EXCHANGE_FINISHED && exchange->unread;
}

/* ---- exchange_parsers.c ---- */
void ce_parsers_take(ce_exchange *exchange);
void ce_parsers_give_back(ce_exchange *exchange);
/* Every exchange must have given its parser back. */
void ce_parsers_free(ce_parsers *parsers);

/* ---- exchange_feed.c ---- */
/* Feeds the request parser as far as the state allows, and the callee with what it finds of the body. Returns how many bytes are done with. */
size_t ce_exchange_feed(ce_exchange *exchange, const uint8_t *bytes, size_t count);
/* Feeds the request parser a whole body of announced length, which the callee has by other means. */
void ce_exchange_feed_body(ce_exchange *exchange, const uint8_t *bytes, size_t length);

/* ---- exchange.c ---- */
/* True once a request, when the first part of its head has come. */
bool ce_exchange_takes_head(ce_exchange *exchange);
/* A head, or a body, breaks HTTP. The callee gets either in its turn: the first as a request, the second as a client that is lost. */
void ce_exchange_refuse(ce_exchange *exchange, ce_refusal refusal);
/* The request that was handed over is under way. NULL: it is refused. */
const ce_request *ce_exchange_begin(ce_exchange *exchange);
/* To be called when the callee has been told of it: its head is not needed any more. */
void ce_exchange_begun(ce_exchange *exchange, const ce_request *request);
/* `PAUSED` and `READING_BODY`; elsewhere nothing. */
void ce_exchange_want_body(ce_exchange *exchange, bool wanted);
void ce_exchange_body_ended(ce_exchange *exchange);
/* Tells the callee that the client has gone, at most once. */
void ce_exchange_lose(ce_exchange *exchange, ce_client_lost why);
/* All of the response has been given. */
void ce_exchange_finished(ce_exchange *exchange);
/* Calls `done`, at most once. */
void ce_exchange_end(ce_exchange *exchange, bool whole);
/* Ended, and the connection is kept: the next request may come. */
void ce_exchange_await_next(ce_exchange *exchange);

#endif
