/* Private to the gate's files and to the response parser, but for the table of rules. The gate is a pure function of the bytes fed so far: however they are split, it gives
 * the same events. It gets that by judging whole lines only, and by bounding each line by a count of its own bytes. */
#ifndef CEVENT_GATE_H
#define CEVENT_GATE_H

#include "CEvent.h"

#define GATE_METHOD_BYTES 32

/* Why a request is refused; gate_rules.c has the status and the words of each. */
typedef enum gate_rule {
    GATE_PASS,
    GATE_BARE_LF,
    GATE_BARE_CR,
    GATE_EMPTY_LINES,
    GATE_REQUEST_LINE,
    GATE_METHOD_TOKEN,
    GATE_METHOD_TOO_LONG,
    GATE_METHOD_CONNECT,
    GATE_METHOD_TRACE,
    GATE_VERSION_SYNTAX,
    GATE_VERSION_UNSUPPORTED,
    GATE_TARGET_TOO_LONG,
    GATE_TARGET_FORM,
    GATE_TARGET_ASTERISK,
    GATE_TARGET_AUTHORITY,
    GATE_TARGET_HOST_MISMATCH,
    GATE_TARGET_BYTE,
    GATE_TARGET_ESCAPE,
    GATE_TARGET_DOT_SEGMENT,
    GATE_TARGET_DOUBLE_SLASH,
    GATE_HEAD_TOO_LARGE,
    GATE_TOO_MANY_FIELDS,
    GATE_FIELD_FOLDED,
    GATE_FIELD_NO_COLON,
    GATE_FIELD_NAME_EMPTY,
    GATE_FIELD_NAME_BLANK,
    GATE_FIELD_NAME_TOKEN,
    GATE_FIELD_VALUE_BYTE,
    GATE_HOST_MISSING,
    GATE_HOST_SEVERAL,
    GATE_HOST_SYNTAX,
    GATE_LENGTH_SYNTAX,
    GATE_LENGTH_TWICE,
    GATE_LENGTH_AND_ENCODING,
    GATE_ENCODING_IN_1_0,
    GATE_ENCODING_SYNTAX,
    GATE_ENCODING_TWICE,
    GATE_ENCODING_UNKNOWN,
    GATE_EXPECTATION,
    GATE_HEAD_WITH_BODY,
    GATE_CHUNK_LINE_TOO_LONG,
    GATE_CHUNK_SIZE,
    GATE_CHUNK_EXTENSION,
    GATE_CHUNK_DATA_END,
    GATE_TRAILER_LINE_TOO_LONG,
    GATE_NO_MEMORY,
    /* A connection's own limits: no gate gives these. */
    GATE_HEAD_TOO_SLOW,
    GATE_BODY_TOO_SLOW,
    GATE_RULE_COUNT,
} gate_rule;

typedef enum gate_state {
    GATE_AT_REQUEST_LINE,
    GATE_AT_FIELD,
    GATE_IN_BODY, /* of known length */
    GATE_AT_CHUNK_SIZE,
    GATE_IN_CHUNK,
    GATE_AT_CHUNK_CR,
    GATE_AT_CHUNK_LF,
    GATE_AT_TRAILER,
    GATE_AT_END, /* all is read; the end is still to be reported */
} gate_state;

/* What a head has said so far, for the judgement at its end. */
typedef struct gate_seen {
    ce_span host;
    ce_span authority; /* of an absolute-form target; its length is 0 otherwise */
    uint16_t scheme_port;
    bool empty_line;
    bool has_host, has_length, has_encoding, has_expectation, closes;
    bool unknown_coding;
    uint32_t chunked_count;
} gate_seen;

/* A head so far, then each chunk-size or trailer line in its place. The unfinished line begins at `start`. */
typedef struct gate_lines {
    uint8_t *bytes;
    size_t length, capacity, start;
    ce_field *fields;
    uint32_t field_count, field_capacity;
} gate_lines;

struct ce_gate {
    ce_gate_limits limits;
    gate_state state;
    gate_rule refused;
    gate_lines lines;
    bool to_head;  /* the request that was refused began as a HEAD */
    uint64_t left; /* bytes of the body or of the chunk still to come */
    ce_span body;
    gate_seen seen;
    ce_request request;
};

/* The bytes of one feed and how far they are consumed. */
typedef struct gate_input {
    const uint8_t *bytes;
    size_t count, at;
} gate_input;

/* One line without its CRLF; `start` is where it stands in the buffer. */
typedef struct gate_line {
    const uint8_t *bytes;
    size_t length;
    uint32_t start;
} gate_line;

typedef struct gate_authority {
    const uint8_t *host;
    size_t host_length;
    int32_t port; /* -1: none given */
} gate_authority;

/* ---- gate_rules.c ---- */
ce_refusal gate_refusal_of(gate_rule rule);
/* The same of the request that `gate` is reading: it knows whether that is a HEAD. */
ce_refusal gate_refusal_of_request(const ce_gate *gate, gate_rule rule);

/* ---- gate_bytes.c: what each byte may be part of ---- */
enum {
    GATE_TOKEN = 1, /* RFC 9110 5.6.2 */
    GATE_VALUE = 2, /* RFC 9110 5.5: HTAB, SP, VCHAR, obs-text */
    GATE_PATH = 4,
    GATE_QUERY = 8,
    GATE_HOST = 16, /* RFC 3986 2.3 unreserved: see gate_authority.c for why no more */
    GATE_DIGIT = 32,
    GATE_HEX = 64,
};
extern const uint8_t gate_class[256];
static inline bool gate_is(uint8_t byte, int kinds) {
    return (gate_class[byte] & kinds) != 0;
}
static inline bool gate_is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t';
}
size_t gate_span_of(const uint8_t *bytes, size_t length, int kinds);     /* length of the prefix of that kind */
bool gate_equal(const uint8_t *bytes, size_t length, const char *lower); /* without regard to case */
bool gate_same(const uint8_t *a, const uint8_t *b, size_t length);       /* so too */
int gate_hex_value(uint8_t digit);
ce_span gate_trimmed(const uint8_t *bytes, size_t from, size_t to); /* without the blanks around */
/* The element of a comma-separated list that starts at *at, trimmed, perhaps empty; false behind the last one. */
bool gate_next_element(const uint8_t *list, size_t length, size_t *at, ce_span *element);

/* ---- gate_line.c ---- */
/* Takes input up to the end of the current line. *complete says whether the line ended; it is then the caller's to
 * judge. `too_long` is the rule to give when the line, its CRLF included, does not fit in `limit` bytes. */
gate_rule gate_take_line(gate_lines *lines, gate_input *input, size_t limit, gate_rule too_long, bool *complete);
gate_line gate_current_line(const gate_lines *lines);
gate_rule gate_add_field(gate_lines *lines, ce_field field);
/* Forgets the lines; the memory stays. */
void gate_forget_lines(gate_lines *lines);
/* Gives the memory back. */
void gate_free_lines(gate_lines *lines);

/* ---- gate_request_line.c, gate_target.c, gate_authority.c ---- */
gate_rule gate_read_request_line(ce_gate *gate, gate_line line);
bool gate_method_is(const ce_gate *gate, const char *method);
size_t gate_request_line_limit(const ce_gate *gate);
/* Why a request line longer than that limit is refused: its first bytes decide. */
gate_rule gate_overlong_request_line(const ce_gate *gate);
gate_rule gate_read_target(ce_gate *gate, ce_span target);
gate_rule gate_settle_target(ce_gate *gate); /* at the head's end, when Host is known */
bool gate_parse_authority(const uint8_t *bytes, size_t length, gate_authority *authority);

/* ---- gate_fields.c, gate_framing.c, gate_head.c, gate_chunk.c ---- */
gate_rule gate_parse_field(gate_line line, ce_field *field);
gate_rule gate_note_field(ce_gate *gate, ce_field field);
gate_rule gate_parse_length(const uint8_t *value, size_t length, uint64_t *parsed);
gate_rule gate_note_length(ce_gate *gate, const uint8_t *value, size_t length);
gate_rule gate_note_encoding(ce_gate *gate, const uint8_t *value, size_t length);
gate_rule gate_judge_head(ce_gate *gate);
gate_rule gate_parse_chunk_line(gate_line line, uint64_t *size);

#endif
