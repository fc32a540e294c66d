/* libFuzzer on the request parser. The first byte of an input seeds how the rest is cut into pieces; what must hold for every
 * input is asserted here, what must hold for known ones is in Tests/corpus. */
#include "CEvent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Everything a parser said, as bytes: two runs are equal when these are. */
typedef struct record {
    uint8_t *bytes;
    size_t length, capacity;
} record;

static void write_bytes(record *record, const void *bytes, size_t count) {
    if (record->length + count > record->capacity) {
        record->capacity = 2 * (record->length + count);
        record->bytes = realloc(record->bytes, record->capacity);
        HOLDS(record->bytes != NULL);
    }
    if (count > 0)
        memcpy(record->bytes + record->length, bytes, count);
    record->length += count;
}

static void write_number(record *record, uint64_t number) {
    write_bytes(record, &number, sizeof number);
}

static void write_span(record *record, const ce_header_block *head, ce_span span) {
    HOLDS((size_t)span.offset + span.length <= head->length);
    write_number(record, span.length);
    write_bytes(record, head->bytes + span.offset, span.length);
}

static void check_value(const ce_header_block *head, ce_span value) {
    for (uint32_t at = 0; at < value.length; at++) {
        uint8_t byte = head->bytes[value.offset + at];
        HOLDS(byte == '\t' || (byte >= ' ' && byte != 0x7F));
    }
}

static void check_target(const ce_header_block *head, ce_span target) {
    const uint8_t *bytes = head->bytes + target.offset;
    HOLDS(target.length > 0);
    HOLDS(bytes[0] == '/' || (target.length == 1 && bytes[0] == '*'));
    HOLDS(target.length < 2 || bytes[1] != '/');
    for (uint32_t at = 0; at < target.length; at++)
        HOLDS(bytes[at] > ' ' && bytes[at] < 0x7F && bytes[at] != '#' && bytes[at] != '\\');
}

static void write_request(record *record, const ce_request *request, const ce_request_parser_limits *limits) {
    const ce_header_block *head = &request->head;
    HOLDS(head->length <= limits->head_bytes);
    HOLDS(head->field_count <= limits->fields);
    HOLDS(request->framing != CE_FRAMING_CHUNKED || (!request->http_1_0 && request->content_length == 0));
    HOLDS(!request->http_1_0 || request->close);
    HOLDS(request->method.length > 0 && request->target.length <= limits->target_bytes);
    check_target(head, request->target);
    write_span(record, head, request->method);
    write_span(record, head, request->target);
    write_number(record, request->framing);
    write_number(record, request->content_length);
    write_number(record, (uint64_t)request->http_1_0 << 2 | (uint64_t)request->close << 1 | request->expects_continue);
    for (size_t at = 0; at < head->field_count; at++) {
        check_value(head, head->fields[at].value);
        write_span(record, head, head->fields[at].name);
        write_span(record, head, head->fields[at].value);
    }
}

static void write_event(record *record, const ce_request_parser *parser, ce_request_parser_event event,
                        const uint8_t *bytes, size_t consumed, const ce_request_parser_limits *limits) {
    ce_span body = ce_request_parser_body(parser);
    if (event == CE_PARSER_BODY) {
        HOLDS(body.length > 0 && (size_t)body.offset + body.length <= consumed);
        write_bytes(record, bytes + body.offset, body.length);
        return;
    }
    write_number(record, 0xFEEDFACE00000000u | event);
    if (event == CE_PARSER_HEAD) {
        write_request(record, ce_request_parser_request(parser), limits);
    } else if (event == CE_PARSER_REFUSED) {
        ce_refusal refusal = ce_request_parser_refusal(parser);
        HOLDS(refusal.status >= 400 && refusal.rule[0] != '\0' && refusal.reason[0] != '\0');
        write_bytes(record, refusal.rule, strlen(refusal.rule));
    }
}

/* Feeds one piece to its end. The piece is a copy of its own size, so that ASan sees a read past it. */
static bool feed_piece(ce_request_parser *parser, record *record, const uint8_t *from, size_t count,
                       const ce_request_parser_limits *limits) {
    uint8_t *piece = malloc(count > 0 ? count : 1);
    HOLDS(piece != NULL);
    if (count > 0)
        memcpy(piece, from, count);
    size_t at = 0;
    ce_request_parser_event event;
    unsigned standstill = 0;
    do {
        size_t consumed = SIZE_MAX;
        event = ce_request_parser_feed(parser, piece + at, count - at, &consumed);
        HOLDS(consumed <= count - at);
        HOLDS(event != CE_PARSER_MORE || consumed == count - at);
        HOLDS(event != CE_PARSER_REFUSED || consumed == 0);
        standstill = consumed == 0 ? standstill + 1 : 0;
        HOLDS(standstill <= 2);
        if (event != CE_PARSER_MORE)
            write_event(record, parser, event, piece + at, consumed, limits);
        if (event == CE_PARSER_END) {
            HOLDS(ce_request_parser_is_idle(parser));
            ce_request_parser_trim(parser);
        }
        at += consumed;
    } while (event != CE_PARSER_MORE && event != CE_PARSER_REFUSED);
    free(piece);
    return event != CE_PARSER_REFUSED;
}

static void check_stays_refused(ce_request_parser *parser) {
    static const uint8_t good[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    size_t consumed = SIZE_MAX;
    HOLDS(ce_request_parser_feed(parser, good, sizeof good - 1, &consumed) == CE_PARSER_REFUSED && consumed == 0);
}

/* `seed` 0: in one piece; 1: byte by byte; else in pieces whose sizes it decides. */
static record run(const uint8_t *bytes, size_t count, uint32_t seed, const ce_request_parser_limits *limits) {
    record record = { 0 };
    ce_request_parser *parser = ce_request_parser_new(limits);
    HOLDS(parser != NULL && ce_request_parser_is_idle(parser));
    bool open = true;
    uint32_t dice = seed;
    for (size_t at = 0; open && at < count;) {
        dice = dice * 1664525u + 1013904223u;
        size_t size = seed == 0 ? count : seed == 1 ? 1 : 1 + (dice >> 16) % (seed % 64 + 1);
        size_t take = size < count - at ? size : count - at;
        open = feed_piece(parser, &record, bytes + at, take, limits);
        at += take;
    }
    if (!open)
        check_stays_refused(parser);
    ce_request_parser_free(parser);
    return record;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const ce_request_parser_limits usual = { 65536, 8192, 100, 256 };
    static const ce_request_parser_limits narrow = { 160, 24, 4, 16 }; /* so that short inputs meet the limits too */
    if (size == 0)
        return 0;
    const ce_request_parser_limits *limits = data[0] & 1 ? &narrow : &usual;
    record whole = run(data + 1, size - 1, 0, limits);
    uint32_t seeds[] = { 1, 2u + data[0], 1000u + data[0] };
    for (size_t at = 0; at < sizeof seeds / sizeof *seeds; at++) {
        record split = run(data + 1, size - 1, seeds[at], limits);
        HOLDS(split.length == whole.length);
        HOLDS(whole.length == 0 || memcmp(split.bytes, whole.bytes, whole.length) == 0);
        free(split.bytes);
    }
    free(whole.bytes);
    return 0;
}
