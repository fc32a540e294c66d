#include "gate.h"

enum { LONGEST_SIZE = 15 }; /* hex digits: fits 60 bits, and what is added to it cannot wrap */

static size_t skip_blanks(gate_line line, size_t at) {
    while (at < line.length && gate_is_blank(line.bytes[at]))
        at++;
    return at;
}

/* quoted-string (RFC 9110 5.6.4). Returns where it ends, or 0 when it does not. */
static size_t skip_quoted(gate_line line, size_t at) {
    for (at++; at < line.length; at++) {
        uint8_t byte = line.bytes[at];
        if (byte == '"')
            return at + 1;
        if (byte == '\\')
            at++;
        if (at == line.length || !gate_is(line.bytes[at], GATE_VALUE))
            return 0;
    }
    return 0;
}

/* *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS ( token / quoted-string ) ] ) (RFC 9112 7.1.1). None is known to anybody
 * here, so they are read past; but what is no extension is no chunk-size line. */
static bool are_extensions(gate_line line, size_t at) {
    while (at < line.length) {
        at = skip_blanks(line, at);
        if (at == line.length || line.bytes[at] != ';')
            return false;
        at = skip_blanks(line, at + 1);
        size_t name = gate_span_of(line.bytes + at, line.length - at, GATE_TOKEN);
        if (name == 0)
            return false;
        at += name;
        size_t equals = skip_blanks(line, at);
        if (equals == line.length || line.bytes[equals] != '=')
            continue;
        at = skip_blanks(line, equals + 1);
        if (at < line.length && line.bytes[at] == '"') {
            at = skip_quoted(line, at);
            if (at == 0)
                return false;
            continue;
        }
        size_t value = gate_span_of(line.bytes + at, line.length - at, GATE_TOKEN);
        if (value == 0)
            return false;
        at += value;
    }
    return true;
}

gate_rule gate_parse_chunk_line(gate_line line, uint64_t *size) {
    size_t digits = gate_span_of(line.bytes, line.length, GATE_HEX);
    if (digits == 0 || digits > LONGEST_SIZE)
        return GATE_CHUNK_SIZE;
    uint64_t sum = 0;
    for (size_t at = 0; at < digits; at++)
        sum = sum << 4 | (uint64_t)gate_hex_value(line.bytes[at]);
    *size = sum;
    if (digits == line.length)
        return GATE_PASS;
    uint8_t next = line.bytes[digits];
    if (next != ';' && !gate_is_blank(next))
        return GATE_CHUNK_SIZE;
    return are_extensions(line, digits) ? GATE_PASS : GATE_CHUNK_EXTENSION;
}
