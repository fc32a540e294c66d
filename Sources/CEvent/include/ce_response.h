/* response_parser.c: a strict RFC 9112 response parser; a pure state machine */
#ifndef CEVENT_CE_RESPONSE_H
#define CEVENT_CE_RESPONSE_H

#include "ce_types.h"

typedef struct ce_response_parser ce_response_parser;

/* Where the content ends (RFC 9112 6.3). */
typedef enum ce_content_end {
    CE_CONTENT_NONE,    /* there is none: the response to HEAD, 204, 304, or a length of 0 */
    CE_CONTENT_LENGTH,  /* after `content_length` bytes */
    CE_CONTENT_CHUNKED, /* with the last chunk */
    CE_CONTENT_CLOSE,   /* with the connection */
} ce_content_end;

/* A final response's head that passed. Valid until the next ce_response_feed. */
typedef struct ce_response {
    ce_header_block head;
    int status;
    ce_content_end end;
    uint64_t content_length; /* with CE_CONTENT_LENGTH */
    bool keeps;              /* the connection may be used again after this response, if it ends exactly */
} ce_response;

typedef enum ce_response_event {
    CE_RESPONSE_MORE,    /* all bytes consumed, nothing to report yet */
    CE_RESPONSE_HEAD,    /* a final head is complete: ce_response_parsed */
    CE_RESPONSE_CONTENT, /* ce_response_content holds the next bytes of content (a span of the bytes fed: no copy) */
    CE_RESPONSE_END,     /* the response is complete; bytes that were not consumed belong to no response */
    CE_RESPONSE_FAULTY,  /* ce_response_fault says why; nothing is consumed any more */
} ce_response_event;

typedef struct ce_response_fault_words {
    const char *rule;   /* a short stable name for tests, e.g. "two-content-lengths" */
    const char *reason; /* what the response does wrong: "it has two Content-Length fields" */
} ce_response_fault_words;

ce_response_parser *ce_response_parser_new(void);
void ce_response_parser_free(ce_response_parser *parser);
/* Begins the response to a request; `to_head`: the request's method was HEAD. */
void ce_response_begin(ce_response_parser *parser, bool to_head);
/* Consumes a prefix of `bytes`, says in *consumed how much, and reports one event. Call again with the rest, until it
 * is CE_RESPONSE_MORE, CE_RESPONSE_END or CE_RESPONSE_FAULTY. */
ce_response_event ce_response_feed(ce_response_parser *parser, const uint8_t *bytes, size_t count, size_t *consumed);
/* The connection has ended in order: CE_RESPONSE_END, or CE_RESPONSE_FAULTY where something is missing. */
ce_response_event ce_response_input_ended(ce_response_parser *parser);
const ce_response *ce_response_parsed(const ce_response_parser *parser);
ce_span
ce_response_content(const ce_response_parser *parser); /* offset is into the bytes of the feed that reported it */
ce_response_fault_words ce_response_fault(const ce_response_parser *parser);
/* Whether a byte of the response has come. */
bool ce_response_has_begun(const ce_response_parser *parser);

#endif
