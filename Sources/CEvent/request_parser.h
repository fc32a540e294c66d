/* Private to the request parser's files and to the response parser, but for the table of rules. The request parser is a pure function of
 * the bytes fed so far: however they are split, it gives the same events. It gets that by judging whole lines only, and by bounding each
 * line by a count of its own bytes. */
#ifndef CEVENT_REQUEST_PARSER_H
#define CEVENT_REQUEST_PARSER_H

#include "CEvent.h"

#include <string.h>

#define PARSER_METHOD_BYTES 32

/* Why a request is refused; request_parser_rules.c has the status and the words of each. */
typedef enum parser_rule {
    PARSER_PASS,
    PARSER_BARE_LF,
    PARSER_BARE_CR,
    PARSER_EMPTY_LINES,
    PARSER_REQUEST_LINE,
    PARSER_METHOD_TOKEN,
    PARSER_METHOD_TOO_LONG,
    PARSER_METHOD_CONNECT,
    PARSER_METHOD_TRACE,
    PARSER_VERSION_SYNTAX,
    PARSER_VERSION_UNSUPPORTED,
    PARSER_TARGET_TOO_LONG,
    PARSER_TARGET_FORM,
    PARSER_TARGET_ASTERISK,
    PARSER_TARGET_AUTHORITY,
    PARSER_TARGET_HOST_MISMATCH,
    PARSER_TARGET_BYTE,
    PARSER_TARGET_ESCAPE,
    PARSER_TARGET_DOT_SEGMENT,
    PARSER_TARGET_DOUBLE_SLASH,
    PARSER_HEAD_TOO_LARGE,
    PARSER_TOO_MANY_FIELDS,
    PARSER_FIELD_FOLDED,
    PARSER_FIELD_NO_COLON,
    PARSER_FIELD_NAME_EMPTY,
    PARSER_FIELD_NAME_BLANK,
    PARSER_FIELD_NAME_TOKEN,
    PARSER_FIELD_VALUE_BYTE,
    PARSER_HOST_MISSING,
    PARSER_HOST_SEVERAL,
    PARSER_HOST_SYNTAX,
    PARSER_LENGTH_SYNTAX,
    PARSER_LENGTH_TWICE,
    PARSER_LENGTH_AND_ENCODING,
    PARSER_ENCODING_IN_1_0,
    PARSER_ENCODING_SYNTAX,
    PARSER_ENCODING_TWICE,
    PARSER_ENCODING_UNKNOWN,
    PARSER_EXPECTATION,
    PARSER_HEAD_WITH_BODY,
    PARSER_CHUNK_LINE_TOO_LONG,
    PARSER_CHUNK_SIZE,
    PARSER_CHUNK_EXTENSION,
    PARSER_CHUNK_DATA_END,
    PARSER_TRAILER_LINE_TOO_LONG,
    PARSER_NO_MEMORY,
    /* A connection's own limits: no parser gives these. */
    PARSER_HEAD_TOO_SLOW,
    PARSER_BODY_TOO_SLOW,
    PARSER_RULE_COUNT,
} parser_rule;

typedef enum parser_state {
    PARSER_AT_REQUEST_LINE,
    PARSER_AT_FIELD,
    PARSER_IN_BODY, /* of known length */
    PARSER_AT_CHUNK_SIZE,
    PARSER_IN_CHUNK,
    PARSER_AT_CHUNK_CR,
    PARSER_AT_CHUNK_LF,
    PARSER_AT_TRAILER,
    PARSER_AT_END, /* all is read; the end is still to be reported */
} parser_state;

/* What a head has said so far, for the judgement at its end. */
typedef struct parser_seen {
    ce_span host;
    ce_span authority; /* of an absolute-form target; its length is 0 otherwise */
    uint16_t scheme_port;
    bool empty_line;
    bool has_host, has_length, has_encoding, has_expectation, closes;
    bool unknown_coding;
    uint32_t chunked_count;
} parser_seen;

/* A head so far, then each chunk-size or trailer line in its place. The unfinished line begins at `start`. */
typedef struct parser_lines {
    uint8_t *bytes;
    size_t length, capacity, start;
    ce_field *fields;
    uint32_t field_count, field_capacity;
} parser_lines;

struct ce_request_parser {
    ce_request_parser_limits limits;
    parser_state state;
    parser_rule refused;
    parser_lines lines;
    bool to_head;  /* the request that was refused began as a HEAD */
    uint64_t left; /* bytes of the body or of the chunk still to come */
    ce_span body;
    parser_seen seen;
    ce_request request;
};

/* The bytes of one feed and how far they are consumed. */
typedef struct parser_input {
    const uint8_t *bytes;
    size_t count, at;
} parser_input;

/* One line without its CRLF; `start` is where it stands in the buffer. */
typedef struct parser_line {
    const uint8_t *bytes;
    size_t length;
    uint32_t start;
} parser_line;

typedef struct parser_authority {
    const uint8_t *host;
    size_t host_length;
    int32_t port; /* -1: none given */
} parser_authority;

/* ---- request_parser_rules.c ---- */
ce_refusal parser_refusal_of(parser_rule rule);
/* The same of the request that `parser` is reading: it knows whether that is a HEAD. */
ce_refusal parser_refusal_of_request(const ce_request_parser *parser, parser_rule rule);

/* ---- request_parser_bytes.c: what each byte may be part of ---- */
enum {
    PARSER_TOKEN = 1, /* RFC 9110 5.6.2 */
    PARSER_VALUE = 2, /* RFC 9110 5.5: HTAB, SP, VCHAR, obs-text */
    PARSER_PATH = 4,
    PARSER_QUERY = 8,
    PARSER_HOST = 16, /* RFC 3986 2.3 unreserved: see request_parser_authority.c for why no more */
    PARSER_DIGIT = 32,
    PARSER_HEX = 64,
};
extern const uint8_t parser_class[256];
static inline bool parser_is(uint8_t byte, int kinds) {
    return (parser_class[byte] & kinds) != 0;
}
static inline bool parser_is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t';
}
size_t parser_span_of(const uint8_t *bytes, size_t length, int kinds);     /* length of the prefix of that kind */
bool parser_equal(const uint8_t *bytes, size_t length, const char *lower); /* without regard to case */
bool parser_same(const uint8_t *a, const uint8_t *b, size_t length);       /* so too */
int parser_hex_value(uint8_t digit);
ce_span parser_trimmed(const uint8_t *bytes, size_t from, size_t to); /* without the blanks around */
/* The element of a comma-separated list that starts at *at, trimmed, perhaps empty; false after the last one. */
bool parser_next_element(const uint8_t *list, size_t length, size_t *at, ce_span *element);
bool parser_has_element(const uint8_t *list, size_t length,
                        const char *lower); /* one that is equal without regard to case */

/* ---- request_parser_line.c ---- */
/* Takes input up to the end of the current line. *complete says whether the line ended; it is then the caller's to
 * judge. `too_long` is the rule to give when the line, its CRLF included, does not fit in `limit` bytes. */
parser_rule parser_take_line(parser_lines *lines, parser_input *input, size_t limit, parser_rule too_long,
                             bool *complete);
parser_line parser_current_line(const parser_lines *lines);
parser_rule parser_add_field(parser_lines *lines, ce_field field);
/* Forgets the lines; the memory stays. */
void parser_forget_lines(parser_lines *lines);
/* Gives the memory back, if it is much. */
void parser_trim_lines(parser_lines *lines);
/* Gives the memory back. */
void parser_free_lines(parser_lines *lines);

/* ---- request_parser_request_line.c, request_parser_target.c, request_parser_authority.c ---- */
parser_rule parser_read_request_line(ce_request_parser *parser, parser_line line);
static inline bool parser_method_is(const ce_request_parser *parser, const char *method) {
    ce_span span = parser->request.method;
    return span.length == strlen(method) && memcmp(parser->lines.bytes + span.offset, method, span.length) == 0;
}
size_t parser_request_line_limit(const ce_request_parser *parser);
/* Why a request line longer than that limit is refused: its first bytes decide. */
parser_rule parser_overlong_request_line(const ce_request_parser *parser);
parser_rule parser_read_target(ce_request_parser *parser, ce_span target);
parser_rule parser_settle_target(ce_request_parser *parser); /* at the head's end, when Host is known */
bool parser_parse_authority(const uint8_t *bytes, size_t length, parser_authority *authority);

/* ---- request_parser_fields.c, request_parser_framing.c, request_parser_chunk.c ---- */
parser_rule parser_parse_field(parser_line line, ce_field *field);
typedef enum parser_taken {
    PARSER_TOOK_NONE, /* the line is not whole yet */
    PARSER_TOOK_FIELD,
    PARSER_TOOK_END, /* the empty line after the last field */
} parser_taken;
/* Takes the next line of a head of at most `head_bytes` with at most `most` fields. A field has its place in `lines`, too. */
parser_rule parser_take_field(parser_lines *lines, parser_input *input, size_t head_bytes, uint32_t most,
                              parser_taken *taken, ce_field *field);
/* The fields that frame or route a message; no others mean anything to a parser. */
typedef enum parser_field_kind {
    PARSER_FIELD_OTHER,
    PARSER_FIELD_HOST,
    PARSER_FIELD_EXPECT,
    PARSER_FIELD_CONNECTION,
    PARSER_FIELD_CONTENT_LENGTH,
    PARSER_FIELD_TRANSFER_ENCODING,
} parser_field_kind;
parser_field_kind parser_kind_of_field(const uint8_t *name, size_t length);
parser_rule parser_note_field(ce_request_parser *parser, ce_field field);
parser_rule parser_parse_length(const uint8_t *value, size_t length, uint64_t *parsed);
parser_rule parser_note_length(ce_request_parser *parser, const uint8_t *value, size_t length);
parser_rule parser_note_encoding(ce_request_parser *parser, const uint8_t *value, size_t length);
parser_rule parser_judge_head(ce_request_parser *parser);
parser_rule parser_parse_chunk_line(parser_line line, uint64_t *size);
/* Takes the one byte that has to be at this place after a chunk. *complete says whether it was there. */
parser_rule parser_take_chunk_end(parser_input *input, uint8_t expected, bool *complete);

#endif
