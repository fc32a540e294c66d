/* request_parser.c: a strict RFC 9112 request parser; a pure state machine */
#ifndef CEVENT_CE_REQUEST_PARSER_H
#define CEVENT_CE_REQUEST_PARSER_H

#include "ce_types.h"

typedef enum ce_framing { CE_FRAMING_NONE, CE_FRAMING_LENGTH, CE_FRAMING_CHUNKED } ce_framing;

typedef struct ce_request_parser_limits {
    uint32_t head_bytes; /* request line and fields together */
    uint32_t target_bytes;
    uint32_t fields;
    uint32_t chunk_line_bytes; /* a chunk-size line with its extensions; also each trailer section line */
} ce_request_parser_limits;

/* A request head that passed. Valid until the next ce_request_parser_feed. */
typedef struct ce_request {
    ce_header_block head;
    ce_span method;
    ce_span target; /* origin-form or `*`; of an absolute-form target only its path and query (RFC 9112 3.2.2) */
    ce_framing framing;
    uint64_t content_length; /* with CE_FRAMING_LENGTH */
    bool http_1_0;
    bool close; /* the client wants the connection closed after this request, or is HTTP/1.0 */
    bool expects_continue;
} ce_request;

typedef enum ce_request_parser_event {
    CE_PARSER_MORE,    /* all bytes consumed, nothing to report yet */
    CE_PARSER_HEAD,    /* a request head is complete: ce_request_parser_request */
    CE_PARSER_BODY,    /* ce_request_parser_body holds the next bytes of its body (a span of the bytes fed: no copy) */
    CE_PARSER_END,     /* the request is complete; the next byte begins another one */
    CE_PARSER_REFUSED, /* ce_request_parser_refusal says why; the request parser consumes nothing any more */
} ce_request_parser_event;

typedef struct ce_refusal {
    int status;         /* 400 414 417 431 501 503 505; 503 when memory ran out */
    const char *rule;   /* a short stable name for metrics and tests, e.g. "two-content-lengths" */
    const char *reason; /* a sentence for the client, with what to do */
    uint32_t number;    /* the rule's place in the table, to count by */
    bool to_head;       /* what is refused begins as a HEAD request: the response has no content */
} ce_refusal;

/* The table of rules by number, from 1; number 0 is no rule. */
uint32_t ce_rule_count(void);
const char *ce_rule_name(uint32_t number);

ce_request_parser *ce_request_parser_new(const ce_request_parser_limits *limits);
void ce_request_parser_free(ce_request_parser *parser);
/* Consumes a prefix of `bytes`, says in *consumed how much, and reports one event. Call again with the rest. */
ce_request_parser_event ce_request_parser_feed(ce_request_parser *parser, const uint8_t *bytes, size_t count,
                                               size_t *consumed);
const ce_request *ce_request_parser_request(const ce_request_parser *parser);
ce_span ce_request_parser_body(
    const ce_request_parser *parser); /* offset is into the bytes given to the feed that reported it */
ce_refusal ce_request_parser_refusal(const ce_request_parser *parser);
/* True between two requests, when no byte of a next one has come: the connection is idle. */
bool ce_request_parser_is_idle(const ce_request_parser *parser);
/* Gives back memory that an unusually large head took. Call between requests, as the next one. */
void ce_request_parser_trim(ce_request_parser *parser);
/* Makes it as a new one, but for the memory that it has: for another connection. */
void ce_request_parser_renew(ce_request_parser *parser, const ce_request_parser_limits *limits);

#endif
