#include "gate.h"

#include <string.h>

/* method SP request-target SP HTTP-version (RFC 9112 3). */
typedef struct words {
    gate_line method, target, version;
} words;

static gate_line part(gate_line line, size_t from, size_t to) {
    return (gate_line){ .bytes = line.bytes + from, .length = to - from, .start = line.start + (uint32_t)from };
}

/* RFC 9112 3 lets a recipient split on any run of blanks; where two parsers split differently they see different
 * targets. So one SP, twice, and no word is empty. */
static bool split(gate_line line, words *words) {
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
 * the connection, and an answer to TRACE would show the credentials that were sent (RFC 9110 9.3.6, 9.3.8). */
static gate_rule judge_method(gate_line method) {
    if (gate_span_of(method.bytes, method.length, GATE_TOKEN) != method.length)
        return GATE_METHOD_TOKEN;
    if (method.length > GATE_METHOD_BYTES)
        return GATE_METHOD_TOO_LONG;
    if (method.length == 7 && memcmp(method.bytes, "CONNECT", 7) == 0)
        return GATE_METHOD_CONNECT;
    if (method.length == 5 && memcmp(method.bytes, "TRACE", 5) == 0)
        return GATE_METHOD_TRACE;
    return GATE_PASS;
}

/* HTTP-name is case-sensitive, and both numbers are one digit (RFC 9112 2.3). */
static gate_rule read_version(gate_line version, bool *http_1_0) {
    const uint8_t *bytes = version.bytes;
    if (version.length != 8 || memcmp(bytes, "HTTP/", 5) != 0 || !gate_is(bytes[5], GATE_DIGIT) || bytes[6] != '.'
        || !gate_is(bytes[7], GATE_DIGIT))
        return GATE_VERSION_SYNTAX;
    if (bytes[5] != '1' || bytes[7] > '1')
        return GATE_VERSION_UNSUPPORTED;
    *http_1_0 = bytes[7] == '0';
    return GATE_PASS;
}

gate_rule gate_read_request_line(ce_gate *gate, gate_line line) {
    words words;
    if (!split(line, &words))
        return GATE_REQUEST_LINE;
    gate_rule rule = judge_method(words.method);
    if (rule == GATE_PASS && words.target.length > gate->limits.target_bytes)
        rule = GATE_TARGET_TOO_LONG;
    if (rule == GATE_PASS)
        rule = read_version(words.version, &gate->request.http_1_0);
    if (rule != GATE_PASS)
        return rule;
    gate->request.method = (ce_span){ words.method.start, (uint32_t)words.method.length };
    return gate_read_target(gate, (ce_span){ words.target.start, (uint32_t)words.target.length });
}

bool gate_method_is(const ce_gate *gate, const char *method) {
    ce_span span = gate->request.method;
    return span.length == strlen(method) && memcmp(gate->lines.bytes + span.offset, method, span.length) == 0;
}

static const size_t around_target = GATE_METHOD_BYTES + sizeof " " - 1 + sizeof " HTTP/1.1\r\n" - 1;

size_t gate_request_line_limit(const ce_gate *gate) {
    size_t longest = around_target + gate->limits.target_bytes;
    return longest < gate->limits.head_bytes ? longest : gate->limits.head_bytes;
}

gate_rule gate_overlong_request_line(const ce_gate *gate) {
    gate_line line = { .bytes = gate->lines.bytes, .length = gate->lines.length, .start = 0 };
    const uint8_t *blank = line.length > 0 ? memchr(line.bytes, ' ', line.length) : NULL;
    size_t method = blank != NULL ? (size_t)(blank - line.bytes) : line.length;
    if (method > GATE_METHOD_BYTES)
        return judge_method(part(line, 0, method));
    if (gate->limits.head_bytes < around_target + gate->limits.target_bytes)
        return GATE_HEAD_TOO_LARGE;
    const uint8_t *target = line.bytes + method + 1;
    const uint8_t *end = memchr(target, ' ', line.length - method - 1);
    bool target_fits = end != NULL && (size_t)(end - target) <= gate->limits.target_bytes;
    return target_fits ? GATE_REQUEST_LINE : GATE_TARGET_TOO_LONG;
}
