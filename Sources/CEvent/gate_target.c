#include "gate.h"

#include <string.h>

/* The four forms of a request target (RFC 9112 3.2); authority-form is CONNECT's and refused with it. */

/* Walks one path segment after the other, and knows whether the segment so far is nothing but dots. `%2e` is a dot and
 * `%2f` and `%5c` end a segment here, as they do for whoever decodes the target before splitting it: no such reader may
 * be led out of the path that policy saw (RFC 3986 3.3, 6.2.2.3). The Hub's own `refs%2Fpr%2F1` passes. */
enum { NOT_DOTS = 3 };

static gate_rule read_escape(const uint8_t *bytes, size_t length, uint8_t *meant) {
    if (length < 3 || !gate_is(bytes[1], GATE_HEX) || !gate_is(bytes[2], GATE_HEX))
        return GATE_TARGET_ESCAPE;
    *meant = (uint8_t)(gate_hex_value(bytes[1]) << 4 | gate_hex_value(bytes[2]));
    return *meant == '\0' ? GATE_TARGET_ESCAPE : GATE_PASS;
}

static bool is_dot_segment(int dots) {
    return dots == 1 || dots == 2;
}

static gate_rule judge_path(const uint8_t *bytes, size_t length) {
    if (length >= 2 && bytes[0] == '/' && bytes[1] == '/')
        return GATE_TARGET_DOUBLE_SLASH;
    int dots = 0;
    for (size_t at = 0; at < length; at++) {
        uint8_t byte = bytes[at];
        if (byte == '%') {
            gate_rule rule = read_escape(bytes + at, length - at, &byte);
            if (rule != GATE_PASS)
                return rule;
            at += 2;
            if (byte == '\\')
                byte = '/';
        } else if (!gate_is(byte, GATE_PATH)) {
            return GATE_TARGET_BYTE;
        }
        if (byte == '/') {
            if (is_dot_segment(dots))
                return GATE_TARGET_DOT_SEGMENT;
            dots = 0;
        } else {
            dots = byte == '.' && dots < NOT_DOTS ? dots + 1 : NOT_DOTS;
        }
    }
    return is_dot_segment(dots) ? GATE_TARGET_DOT_SEGMENT : GATE_PASS;
}

static gate_rule judge_query(const uint8_t *bytes, size_t length) {
    for (size_t at = 0; at < length; at++) {
        uint8_t meant;
        if (bytes[at] == '%') {
            gate_rule rule = read_escape(bytes + at, length - at, &meant);
            if (rule != GATE_PASS)
                return rule;
            at += 2;
        } else if (!gate_is(bytes[at], GATE_QUERY)) {
            return GATE_TARGET_BYTE;
        }
    }
    return GATE_PASS;
}

static gate_rule judge_path_and_query(const uint8_t *bytes, size_t length) {
    const uint8_t *mark = memchr(bytes, '?', length);
    size_t path = mark != NULL ? (size_t)(mark - bytes) : length;
    gate_rule rule = judge_path(bytes, path);
    if (rule != GATE_PASS || mark == NULL)
        return rule;
    return judge_query(mark + 1, length - path - 1);
}

/* RFC 9112 3.2.2. Keeps where the authority stands; gate_settle_target compares it with Host. */
static gate_rule read_absolute(ce_gate *gate, ce_span target) {
    const uint8_t *bytes = gate->lines.bytes + target.offset;
    uint32_t scheme;
    if (target.length >= 7 && gate_equal(bytes, 7, "http://")) {
        scheme = 7;
        gate->seen.scheme_port = 80;
    } else if (target.length >= 8 && gate_equal(bytes, 8, "https://")) {
        scheme = 8;
        gate->seen.scheme_port = 443;
    } else {
        return GATE_TARGET_FORM;
    }
    uint32_t rest = scheme;
    while (rest < target.length && bytes[rest] != '/' && bytes[rest] != '?')
        rest++;
    gate_authority authority;
    if (!gate_parse_authority(bytes + scheme, rest - scheme, &authority))
        return GATE_TARGET_AUTHORITY;
    gate->seen.authority = (ce_span){ target.offset + scheme, rest - scheme };
    gate->request.target = (ce_span){ target.offset + rest, target.length - rest };
    return judge_path_and_query(bytes + rest, target.length - rest);
}

gate_rule gate_read_target(ce_gate *gate, ce_span target) {
    const uint8_t *bytes = gate->lines.bytes + target.offset;
    gate->request.target = target;
    if (bytes[0] == '/')
        return judge_path_and_query(bytes, target.length);
    if (target.length == 1 && bytes[0] == '*') {
        return gate_method_is(gate, "OPTIONS") ? GATE_PASS : GATE_TARGET_ASTERISK;
    }
    return read_absolute(gate, target);
}

static bool same_authority(const ce_gate *gate) {
    gate_authority target, host;
    ce_span a = gate->seen.authority, b = gate->seen.host;
    if (!gate_parse_authority(gate->lines.bytes + a.offset, a.length, &target)
        || !gate_parse_authority(gate->lines.bytes + b.offset, b.length, &host)
        || target.host_length != host.host_length || !gate_same(target.host, host.host, host.host_length))
        return false;
    int32_t usual = gate->seen.scheme_port;
    return (target.port < 0 ? usual : target.port) == (host.port < 0 ? usual : host.port);
}

/* RFC 9112 3.2.2 would have Host ignored where it differs from the target's authority. A client that sends two
 * different names has no honest reason to, so it is refused (RFC 9112 3.2 makes the client send the same).
 *
 * An empty path is `/` (RFC 9110 4.2.3), or `*` for OPTIONS without a query (RFC 9112 3.2.4). The byte is written over
 * the authority's last one, which by now is read and has no other use. */
gate_rule gate_settle_target(ce_gate *gate) {
    if (gate->seen.authority.length == 0)
        return GATE_PASS;
    if (gate->seen.has_host && !same_authority(gate))
        return GATE_TARGET_HOST_MISMATCH;
    ce_span *target = &gate->request.target;
    if (target->length > 0 && gate->lines.bytes[target->offset] == '/')
        return GATE_PASS;
    uint8_t path = target->length == 0 && gate_method_is(gate, "OPTIONS") ? '*' : '/';
    target->offset -= 1;
    target->length += 1;
    gate->lines.bytes[target->offset] = path;
    return GATE_PASS;
}
