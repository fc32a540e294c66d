#include "request_parser.h"

#include <string.h>

/* The bytes at which the name stops being a token say which rule they break; all of them are refused, but a blank
 * before the colon is the known smuggling road and has its own name (RFC 9112 5.1). */
static parser_rule judge_name(parser_line line, size_t name) {
    if (memchr(line.bytes + name, ':', line.length - name) == NULL)
        return PARSER_FIELD_NO_COLON;
    if (name == 0 && line.bytes[0] == ':')
        return PARSER_FIELD_NAME_EMPTY;
    size_t at = name;
    while (at < line.length && parser_is_blank(line.bytes[at]))
        at++;
    if (at > name && line.bytes[at] == ':')
        return PARSER_FIELD_NAME_BLANK;
    return line.bytes[name] == ':' ? PARSER_PASS : PARSER_FIELD_NAME_TOKEN;
}

/* field-name ":" OWS field-value OWS (RFC 9112 5). A line that starts with a blank would continue the one before it:
 * obs-fold, or before the first field something that RFC 9112 2.2 has refused as well. */
parser_rule parser_parse_field(parser_line line, ce_field *field) {
    if (parser_is_blank(line.bytes[0]))
        return PARSER_FIELD_FOLDED;
    size_t name = parser_span_of(line.bytes, line.length, PARSER_TOKEN);
    parser_rule rule = judge_name(line, name);
    if (rule != PARSER_PASS)
        return rule;
    size_t from = name + 1, to = line.length;
    if (parser_span_of(line.bytes + from, to - from, PARSER_VALUE) != to - from)
        return PARSER_FIELD_VALUE_BYTE;
    field->name = (ce_span){ line.start, (uint32_t)name };
    field->value = parser_trimmed(line.bytes, from, to);
    field->value.offset += line.start;
    return PARSER_PASS;
}

parser_rule parser_take_field(parser_lines *lines, parser_input *input, size_t head_bytes, uint32_t most,
                              parser_taken *taken, ce_field *field) {
    *taken = PARSER_TOOK_NONE;
    bool complete;
    parser_rule rule = parser_take_line(lines, input, head_bytes - lines->start, PARSER_HEAD_TOO_LARGE, &complete);
    if (rule != PARSER_PASS || !complete)
        return rule;
    parser_line line = parser_current_line(lines);
    if (line.length == 0) {
        *taken = PARSER_TOOK_END;
        return PARSER_PASS;
    }
    if (lines->field_count == most)
        return PARSER_TOO_MANY_FIELDS;
    rule = parser_parse_field(line, field);
    if (rule == PARSER_PASS)
        rule = parser_add_field(lines, *field);
    if (rule == PARSER_PASS)
        *taken = PARSER_TOOK_FIELD;
    lines->start = lines->length;
    return rule;
}

static parser_rule note_host(ce_request_parser *parser, ce_span value) {
    parser_authority authority;
    if (parser->seen.has_host)
        return PARSER_HOST_SEVERAL;
    if (!parser_parse_authority(parser->lines.bytes + value.offset, value.length, &authority))
        return PARSER_HOST_SYNTAX;
    parser->seen.has_host = true;
    parser->seen.host = value;
    return PARSER_PASS;
}

/* RFC 9110 10.1.1: there is one expectation, and a server may refuse any other. */
static parser_rule note_expectation(ce_request_parser *parser, const uint8_t *value, size_t length) {
    if (!parser_equal(value, length, "100-continue"))
        return PARSER_EXPECTATION;
    parser->seen.has_expectation = true;
    return PARSER_PASS;
}

/* The lengths of these names differ, so most fields cost one comparison of a number. */
parser_field_kind parser_kind_of_field(const uint8_t *name, size_t length) {
    switch (length) {
    case 4:
        return parser_equal(name, 4, "host") ? PARSER_FIELD_HOST : PARSER_FIELD_OTHER;
    case 6:
        return parser_equal(name, 6, "expect") ? PARSER_FIELD_EXPECT : PARSER_FIELD_OTHER;
    case 10:
        return parser_equal(name, 10, "connection") ? PARSER_FIELD_CONNECTION : PARSER_FIELD_OTHER;
    case 14:
        return parser_equal(name, 14, "content-length") ? PARSER_FIELD_CONTENT_LENGTH : PARSER_FIELD_OTHER;
    case 17:
        return parser_equal(name, 17, "transfer-encoding") ? PARSER_FIELD_TRANSFER_ENCODING : PARSER_FIELD_OTHER;
    default:
        return PARSER_FIELD_OTHER;
    }
}

parser_rule parser_note_field(ce_request_parser *parser, ce_field field) {
    const uint8_t *value = parser->lines.bytes + field.value.offset;
    size_t length = field.value.length;
    switch (parser_kind_of_field(parser->lines.bytes + field.name.offset, field.name.length)) {
    case PARSER_FIELD_HOST:
        return note_host(parser, field.value);
    case PARSER_FIELD_EXPECT:
        return note_expectation(parser, value, length);
    case PARSER_FIELD_CONNECTION:
        /* A list (RFC 9110 7.6.1). What is no token in it asks for nothing, so it changes nothing. */
        parser->seen.closes |= parser_has_element(value, length, "close");
        return PARSER_PASS;
    case PARSER_FIELD_CONTENT_LENGTH:
        return parser_note_length(parser, value, length);
    case PARSER_FIELD_TRANSFER_ENCODING:
        return parser_note_encoding(parser, value, length);
    case PARSER_FIELD_OTHER:
        break;
    }
    return PARSER_PASS;
}
