/* libFuzzer on the request parser. The first byte of an input seeds how the rest is cut into pieces; what must hold for every
 * input is asserted here, what must hold for known ones is in Tests/corpus. */
#include "CEvent.h"
#include "record.h"

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
    write_fields(record, head);
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
        HOLDS(refusal.status >= 400 && refusal.status <= 505 && refusal.rule[0] != '\0' && refusal.reason[0] != '\0');
        write_bytes(record, refusal.rule, strlen(refusal.rule));
    }
}

/* Feeds one piece to its end. */
static bool feed_piece(ce_request_parser *parser, record *record, const uint8_t *from, size_t count,
                       const ce_request_parser_limits *limits) {
    uint8_t *piece = copy_of(from, count);
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

static record run(const uint8_t *bytes, size_t count, uint32_t seed, const ce_request_parser_limits *limits) {
    record record = { 0 };
    /* The same one for all inputs: what it has read before must not matter. */
    static ce_request_parser *parser;
    if (parser == NULL)
        parser = ce_request_parser_new(limits);
    else
        ce_request_parser_renew(parser, limits);
    HOLDS(parser != NULL && ce_request_parser_is_idle(parser));
    bool open = true;
    cuts cuts = { seed, seed };
    for (size_t at = 0; open && at < count;) {
        size_t take = next_piece(&cuts, count - at);
        open = feed_piece(parser, &record, bytes + at, take, limits);
        at += take;
    }
    if (!open)
        check_stays_refused(parser);
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
    for (size_t at = 0; at < sizeof seeds / sizeof *seeds; at++)
        check_same(whole, run(data + 1, size - 1, seeds[at], limits));
    free(whole.bytes);
    return 0;
}
