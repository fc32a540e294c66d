#include "request_parser.h"

#include <string.h>

/* method SP request-target SP HTTP-version (RFC 9112 3). */
typedef struct words {
    parser_line method, target, version;
} words;

static parser_line part(parser_line line, size_t from, size_t to) {
    return (parser_line){ .bytes = line.bytes + from, .length = to - from, .start = line.start + (uint32_t)from };
}

/* RFC 9112 3 lets a recipient split on any run of blanks; where two parsers split differently they see different
 * targets. So one SP, twice, and no word is empty. */
static bool split(parser_line line, words *words) {
    const uint8_t *first = memchr(line.bytes, ' ', line.length);
    if (first == NULL)
        return false;
    size_t target = (size_t)(first - line.bytes) + 1;
    const uint8_t *second = memchr(line.bytes + target, ' ', line.length - target);
    if (second == NULL)
        return false;
    size_t version = (size_t)(second - line.bytes) + 1;
    words->method = part(line, 0, target - 1);
    words->target = part(line, target, version - 1);
    words->version = part(line, version, line.length);
    return words->method.length > 0 && words->target.length > 0 && words->version.length > 0
        && memchr(words->version.bytes, ' ', words->version.length) == NULL;
}

/* A method that is a token but unknown passes: the router answers it (RFC 9110 9.1). CONNECT would make a tunnel of
 * the connection, and a response to TRACE would show the credentials that were sent (RFC 9110 9.3.6, 9.3.8). */
static parser_rule judge_method(parser_line method) {
    if (parser_span_of(method.bytes, method.length, PARSER_TOKEN) != method.length)
        return PARSER_METHOD_TOKEN;
    if (method.length > PARSER_METHOD_BYTES)
        return PARSER_METHOD_TOO_LONG;
    if (method.length == 7 && memcmp(method.bytes, "CONNECT", 7) == 0)
        return PARSER_METHOD_CONNECT;
    if (method.length == 5 && memcmp(method.bytes, "TRACE", 5) == 0)
        return PARSER_METHOD_TRACE;
    return PARSER_PASS;
}

/* HTTP-name is case-sensitive, and both numbers are one digit (RFC 9112 2.3). */
static parser_rule read_version(parser_line version, bool *http_1_0) {
    const uint8_t *bytes = version.bytes;
    if (version.length != 8 || memcmp(bytes, "HTTP/", 5) != 0 || !parser_is(bytes[5], PARSER_DIGIT) || bytes[6] != '.'
        || !parser_is(bytes[7], PARSER_DIGIT))
        return PARSER_VERSION_SYNTAX;
    if (bytes[5] != '1' || bytes[7] > '1')
        return PARSER_VERSION_UNSUPPORTED;
    *http_1_0 = bytes[7] == '0';
    return PARSER_PASS;
}

parser_rule parser_read_request_line(ce_request_parser *parser, parser_line line) {
    words words;
    if (!split(line, &words))
        return PARSER_REQUEST_LINE;
    parser_rule rule = judge_method(words.method);
    if (rule == PARSER_PASS && words.target.length > parser->limits.target_bytes)
        rule = PARSER_TARGET_TOO_LONG;
    if (rule == PARSER_PASS)
        rule = read_version(words.version, &parser->request.http_1_0);
    if (rule != PARSER_PASS)
        return rule;
    parser->request.method = (ce_span){ words.method.start, (uint32_t)words.method.length };
    return parser_read_target(parser, (ce_span){ words.target.start, (uint32_t)words.target.length });
}

static const size_t around_target = PARSER_METHOD_BYTES + sizeof " " - 1 + sizeof " HTTP/1.1\r\n" - 1;

size_t parser_request_line_limit(const ce_request_parser *parser) {
    size_t longest = around_target + parser->limits.target_bytes;
    return longest < parser->limits.head_bytes ? longest : parser->limits.head_bytes;
}

parser_rule parser_overlong_request_line(const ce_request_parser *parser) {
    parser_line line = { .bytes = parser->lines.bytes, .length = parser->lines.length, .start = 0 };
    const uint8_t *blank = line.length > 0 ? memchr(line.bytes, ' ', line.length) : NULL;
    size_t method = blank != NULL ? (size_t)(blank - line.bytes) : line.length;
    if (method > PARSER_METHOD_BYTES)
        return judge_method(part(line, 0, method));
    if (parser->limits.head_bytes < around_target + parser->limits.target_bytes)
        return PARSER_HEAD_TOO_LARGE;
    const uint8_t *target = line.bytes + method + 1;
    const uint8_t *end = memchr(target, ' ', line.length - method - 1);
    bool target_fits = end != NULL && (size_t)(end - target) <= parser->limits.target_bytes;
    return target_fits ? PARSER_REQUEST_LINE : PARSER_TARGET_TOO_LONG;
}
