/* Private to CEvent: the state of a response parser. Like the request parser it is a pure function of the bytes fed so far, and it judges
 * lines, fields and chunks by the request parser's own functions: what is refused in a request is refused in a response. */
#ifndef CEVENT_RESPONSE_PARSER_H
#define CEVENT_RESPONSE_PARSER_H

#include "request_parser.h"

enum {
    RESPONSE_HEAD_BYTES = 64 * 1024, /* a head's status line and fields; also a trailer section */
    RESPONSE_FIELDS = 200,
    RESPONSE_INTERIM_HEADS = 10,
    RESPONSE_CHUNK_LINE_BYTES = 1024,
};

/* Rules that only a response can break; their numbers follow the request parser's. */
typedef enum response_rule {
    RESPONSE_STATUS_LINE = PARSER_RULE_COUNT,
    RESPONSE_STATUS_RANGE,
    RESPONSE_SWITCHED,
    RESPONSE_INTERIM,
    RESPONSE_NO_HEAD,
    RESPONSE_CUT,
    RESPONSE_RULE_COUNT,
} response_rule;

typedef enum response_state {
    RESPONSE_AT_STATUS_LINE,
    RESPONSE_AT_FIELD,
    RESPONSE_IN_CONTENT, /* of known length */
    RESPONSE_UNTIL_CLOSE,
    RESPONSE_AT_CHUNK_SIZE,
    RESPONSE_IN_CHUNK,
    RESPONSE_AT_CHUNK_CR,
    RESPONSE_AT_CHUNK_LF,
    RESPONSE_AT_TRAILER,
    RESPONSE_AT_END, /* all is read; the end is still to be reported */
    RESPONSE_OVER,
} response_state;

struct ce_response_parser {
    response_state state;
    int refused; /* a parser_rule or a response_rule */
    bool to_head, begun;
    bool http_1_0, closes, has_length, has_encoding;
    uint32_t interim, trailers;
    size_t trailer_bytes;
    parser_lines lines;
    uint64_t left; /* bytes of the content or of the chunk still to come */
    ce_span content;
    ce_response response;
};

/* ---- response_head.c: each returns PARSER_PASS, or the rule that is broken ---- */
int response_read_status_line(ce_response_parser *parser, parser_line line);
int response_note_field(ce_response_parser *parser, ce_field field);
/* At the end of a final head: where the content ends, and whether the connection may be kept. */
int response_settle(ce_response_parser *parser);

/* ---- response_faults.c ---- */
ce_response_fault_words response_fault_of(int rule);

#endif
