#include "request_parser.h"

#include <string.h>

/* Where a body ends, and nothing else, decides where the next request begins: whatever two parsers could read in two
 * ways is refused here (RFC 9112 6, 11.2). */

enum { LONGEST_LENGTH = 18 }; /* digits: any number of them fits 64 bits */

parser_rule parser_parse_length(const uint8_t *value, size_t length, uint64_t *parsed) {
    if (memchr(value, ',', length) != NULL)
        return PARSER_LENGTH_TWICE;
    if (length == 0 || length > LONGEST_LENGTH || parser_span_of(value, length, PARSER_DIGIT) != length)
        return PARSER_LENGTH_SYNTAX;
    uint64_t sum = 0;
    for (size_t at = 0; at < length; at++)
        sum = sum * 10 + (uint64_t)(value[at] - '0');
    *parsed = sum;
    return PARSER_PASS;
}

/* RFC 9112 6.3 lets equal lengths be merged. No client sends two by intent, so not even equal ones pass. */
parser_rule parser_note_length(ce_request_parser *parser, const uint8_t *value, size_t length) {
    if (parser->seen.has_length)
        return PARSER_LENGTH_TWICE;
    parser->seen.has_length = true;
    return parser_parse_length(value, length, &parser->request.content_length);
}

static parser_rule note_coding(ce_request_parser *parser, const uint8_t *name, size_t length) {
    if (length == 0 || parser_span_of(name, length, PARSER_TOKEN) != length)
        return PARSER_ENCODING_SYNTAX;
    if (parser_equal(name, length, "chunked"))
        parser->seen.chunked_count++;
    else
        parser->seen.unknown_coding = true;
    return PARSER_PASS;
}

/* Several fields make one list (RFC 9110 5.3). An empty element or a parameter is malformed here: `chunked` has none
 * (RFC 9112 7), and `chunked,` is how one tests what a parser overlooks. */
parser_rule parser_note_encoding(ce_request_parser *parser, const uint8_t *value, size_t length) {
    parser->seen.has_encoding = true;
    size_t at = 0;
    ce_span coding;
    parser_rule rule = PARSER_PASS;
    while (rule == PARSER_PASS && parser_next_element(value, length, &at, &coding))
        rule = note_coding(parser, value + coding.offset, coding.length);
    return rule;
}

/* RFC 9112 6.1 and 6.3. */
static parser_rule judge_encoding(const ce_request_parser *parser) {
    const parser_seen *seen = &parser->seen;
    if (parser->request.http_1_0)
        return PARSER_ENCODING_IN_1_0;
    if (seen->has_length)
        return PARSER_LENGTH_AND_ENCODING;
    if (seen->chunked_count > 1)
        return PARSER_ENCODING_TWICE;
    return seen->unknown_coding ? PARSER_ENCODING_UNKNOWN : PARSER_PASS;
}

static parser_rule settle_framing(ce_request_parser *parser) {
    ce_request *request = &parser->request;
    if (parser->seen.has_encoding) {
        parser_rule rule = judge_encoding(parser);
        if (rule != PARSER_PASS)
            return rule;
        request->framing = CE_FRAMING_CHUNKED;
    } else {
        request->framing = parser->seen.has_length ? CE_FRAMING_LENGTH : CE_FRAMING_NONE;
    }
    return PARSER_PASS;
}

/* A body in a HEAD request has no meaning (RFC 9110 9.3.2), and parsers are known to take it for the next request. */
parser_rule parser_judge_head(ce_request_parser *parser) {
    ce_request *request = &parser->request;
    parser_rule rule = settle_framing(parser);
    if (rule != PARSER_PASS)
        return rule;
    bool body = request->framing == CE_FRAMING_CHUNKED || request->content_length > 0;
    if (body && parser_method_is(parser, "HEAD"))
        return PARSER_HEAD_WITH_BODY;
    if (!parser->seen.has_host && !request->http_1_0)
        return PARSER_HOST_MISSING;
    rule = parser_settle_target(parser);
    if (rule != PARSER_PASS)
        return rule;
    request->close = request->http_1_0 || parser->seen.closes;
    /* RFC 9110 10.1.1: ignored in HTTP/1.0, and without a body there is nothing to continue with. */
    request->expects_continue = parser->seen.has_expectation && body && !request->http_1_0;
    request->head = (ce_header_block){
        .bytes = parser->lines.bytes,
        .length = parser->lines.length,
        .fields = parser->lines.fields,
        .field_count = parser->lines.field_count,
    };
    return PARSER_PASS;
}
