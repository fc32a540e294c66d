#include "request_parser.h"

enum { LONGEST_SIZE = 15 }; /* hex digits: fits 60 bits, and what is added to it cannot wrap */

static size_t skip_blanks(parser_line line, size_t at) {
    while (at < line.length && parser_is_blank(line.bytes[at]))
        at++;
    return at;
}

/* quoted-string (RFC 9110 5.6.4). Returns where it ends, or 0 when it does not. */
static size_t skip_quoted(parser_line line, size_t at) {
    for (at++; at < line.length; at++) {
        uint8_t byte = line.bytes[at];
        if (byte == '"')
            return at + 1;
        if (byte == '\\')
            at++;
        if (at == line.length || !parser_is(line.bytes[at], PARSER_VALUE))
            return 0;
    }
    return 0;
}

/* *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS ( token / quoted-string ) ] ) (RFC 9112 7.1.1). None is known here,
 * so they are read past; but what is no extension is no chunk-size line. */
static bool are_extensions(parser_line line, size_t at) {
    while (at < line.length) {
        at = skip_blanks(line, at);
        if (at == line.length || line.bytes[at] != ';')
            return false;
        at = skip_blanks(line, at + 1);
        size_t name = parser_span_of(line.bytes + at, line.length - at, PARSER_TOKEN);
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
        size_t value = parser_span_of(line.bytes + at, line.length - at, PARSER_TOKEN);
        if (value == 0)
            return false;
        at += value;
    }
    return true;
}

parser_rule parser_parse_chunk_line(parser_line line, uint64_t *size) {
    size_t digits = parser_span_of(line.bytes, line.length, PARSER_HEX);
    if (digits == 0 || digits > LONGEST_SIZE)
        return PARSER_CHUNK_SIZE;
    uint64_t sum = 0;
    for (size_t at = 0; at < digits; at++)
        sum = sum << 4 | (uint64_t)parser_hex_value(line.bytes[at]);
    *size = sum;
    if (digits == line.length)
        return PARSER_PASS;
    uint8_t next = line.bytes[digits];
    if (next != ';' && !parser_is_blank(next))
        return PARSER_CHUNK_SIZE;
    return are_extensions(line, digits) ? PARSER_PASS : PARSER_CHUNK_EXTENSION;
}

parser_rule parser_take_chunk_end(parser_input *input, uint8_t expected, bool *complete) {
    *complete = input->at < input->count;
    if (*complete && input->bytes[input->at++] != expected)
        return PARSER_CHUNK_DATA_END;
    return PARSER_PASS;
}
