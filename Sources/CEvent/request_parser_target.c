#include "request_parser.h"

#include <string.h>

/* The four forms of a request target (RFC 9112 3.2); authority-form is CONNECT's and refused with it. */

/* Walks one path segment after the other, and knows whether the segment so far is nothing but dots. `%2e` is a dot and
 * `%2f` and `%5c` end a segment here, as they do for a reader that decodes the target before splitting it: no such reader may
 * be led out of the path that policy saw (RFC 3986 3.3, 6.2.2.3). The Hub's own `refs%2Fpr%2F1` passes. */
enum { NOT_DOTS = 3 };

static parser_rule read_escape(const uint8_t *bytes, size_t length, uint8_t *meant) {
    if (length < 3 || !parser_is(bytes[1], PARSER_HEX) || !parser_is(bytes[2], PARSER_HEX))
        return PARSER_TARGET_ESCAPE;
    *meant = (uint8_t)(parser_hex_value(bytes[1]) << 4 | parser_hex_value(bytes[2]));
    return *meant == '\0' ? PARSER_TARGET_ESCAPE : PARSER_PASS;
}

static bool is_dot_segment(int dots) {
    return dots == 1 || dots == 2;
}

static parser_rule judge_path(const uint8_t *bytes, size_t length) {
    if (length >= 2 && bytes[0] == '/' && bytes[1] == '/')
        return PARSER_TARGET_DOUBLE_SLASH;
    int dots = 0;
    for (size_t at = 0; at < length; at++) {
        uint8_t byte = bytes[at];
        if (byte == '%') {
            parser_rule rule = read_escape(bytes + at, length - at, &byte);
            if (rule != PARSER_PASS)
                return rule;
            at += 2;
            if (byte == '\\')
                byte = '/';
        } else if (!parser_is(byte, PARSER_PATH)) {
            return PARSER_TARGET_BYTE;
        }
        if (byte == '/') {
            if (is_dot_segment(dots))
                return PARSER_TARGET_DOT_SEGMENT;
            dots = 0;
        } else {
            dots = byte == '.' && dots < NOT_DOTS ? dots + 1 : NOT_DOTS;
        }
    }
    return is_dot_segment(dots) ? PARSER_TARGET_DOT_SEGMENT : PARSER_PASS;
}

static parser_rule judge_query(const uint8_t *bytes, size_t length) {
    for (size_t at = 0; at < length; at++) {
        uint8_t meant;
        if (bytes[at] == '%') {
            parser_rule rule = read_escape(bytes + at, length - at, &meant);
            if (rule != PARSER_PASS)
                return rule;
            at += 2;
        } else if (!parser_is(bytes[at], PARSER_QUERY)) {
            return PARSER_TARGET_BYTE;
        }
    }
    return PARSER_PASS;
}

static parser_rule judge_path_and_query(const uint8_t *bytes, size_t length) {
    const uint8_t *mark = memchr(bytes, '?', length);
    size_t path = mark != NULL ? (size_t)(mark - bytes) : length;
    parser_rule rule = judge_path(bytes, path);
    if (rule != PARSER_PASS || mark == NULL)
        return rule;
    return judge_query(mark + 1, length - path - 1);
}

/* RFC 9112 3.2.2. Keeps where the authority stands; parser_settle_target compares it with Host. */
static parser_rule read_absolute(ce_request_parser *parser, ce_span target) {
    const uint8_t *bytes = parser->lines.bytes + target.offset;
    uint32_t scheme;
    if (target.length >= 7 && parser_equal(bytes, 7, "http://")) {
        scheme = 7;
        parser->seen.scheme_port = 80;
    } else if (target.length >= 8 && parser_equal(bytes, 8, "https://")) {
        scheme = 8;
        parser->seen.scheme_port = 443;
    } else {
        return PARSER_TARGET_FORM;
    }
    uint32_t rest = scheme;
    while (rest < target.length && bytes[rest] != '/' && bytes[rest] != '?')
        rest++;
    parser_authority authority;
    if (!parser_parse_authority(bytes + scheme, rest - scheme, &authority))
        return PARSER_TARGET_AUTHORITY;
    parser->seen.authority = (ce_span){ target.offset + scheme, rest - scheme };
    parser->request.target = (ce_span){ target.offset + rest, target.length - rest };
    return judge_path_and_query(bytes + rest, target.length - rest);
}

parser_rule parser_read_target(ce_request_parser *parser, ce_span target) {
    const uint8_t *bytes = parser->lines.bytes + target.offset;
    parser->request.target = target;
    if (bytes[0] == '/')
        return judge_path_and_query(bytes, target.length);
    if (target.length == 1 && bytes[0] == '*') {
        return parser_method_is(parser, "OPTIONS") ? PARSER_PASS : PARSER_TARGET_ASTERISK;
    }
    return read_absolute(parser, target);
}

static bool same_authority(const ce_request_parser *parser) {
    parser_authority target, host;
    ce_span a = parser->seen.authority, b = parser->seen.host;
    if (!parser_parse_authority(parser->lines.bytes + a.offset, a.length, &target)
        || !parser_parse_authority(parser->lines.bytes + b.offset, b.length, &host)
        || target.host_length != host.host_length || !parser_same(target.host, host.host, host.host_length))
        return false;
    int32_t usual = parser->seen.scheme_port;
    return (target.port < 0 ? usual : target.port) == (host.port < 0 ? usual : host.port);
}

/* RFC 9112 3.2.2 would have Host ignored where it differs from the target's authority. A client that sends two
 * different names has no honest reason to, so it is refused (RFC 9112 3.2 makes the client send the same).
 *
 * An empty path is `/` (RFC 9110 4.2.3), or `*` for OPTIONS without a query (RFC 9112 3.2.4). The byte is written over
 * the authority's last one, which by now is read and has no other use. */
parser_rule parser_settle_target(ce_request_parser *parser) {
    if (parser->seen.authority.length == 0)
        return PARSER_PASS;
    if (parser->seen.has_host && !same_authority(parser))
        return PARSER_TARGET_HOST_MISMATCH;
    ce_span *target = &parser->request.target;
    if (target->length > 0 && parser->lines.bytes[target->offset] == '/')
        return PARSER_PASS;
    uint8_t path = target->length == 0 && parser_method_is(parser, "OPTIONS") ? '*' : '/';
    target->offset -= 1;
    target->length += 1;
    parser->lines.bytes[target->offset] = path;
    return PARSER_PASS;
}
