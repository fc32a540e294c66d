#include "gate.h"

#include <string.h>

/* The bytes at which the name stops being a token say which rule they break; all of them are refused, but a blank
 * before the colon is the known smuggling road and has its own name (RFC 9112 5.1). */
static gate_rule judge_name(gate_line line, size_t name) {
    if (memchr(line.bytes + name, ':', line.length - name) == NULL)
        return GATE_FIELD_NO_COLON;
    if (name == 0 && line.bytes[0] == ':')
        return GATE_FIELD_NAME_EMPTY;
    size_t at = name;
    while (at < line.length && gate_is_blank(line.bytes[at]))
        at++;
    if (at > name && line.bytes[at] == ':')
        return GATE_FIELD_NAME_BLANK;
    return line.bytes[name] == ':' ? GATE_PASS : GATE_FIELD_NAME_TOKEN;
}

/* field-name ":" OWS field-value OWS (RFC 9112 5). A line that starts with a blank would continue the one before it:
 * obs-fold, or before the first field something that RFC 9112 2.2 has refused as well. */
gate_rule gate_parse_field(gate_line line, ce_field *field) {
    if (gate_is_blank(line.bytes[0]))
        return GATE_FIELD_FOLDED;
    size_t name = gate_span_of(line.bytes, line.length, GATE_TOKEN);
    gate_rule rule = judge_name(line, name);
    if (rule != GATE_PASS)
        return rule;
    size_t from = name + 1, to = line.length;
    if (gate_span_of(line.bytes + from, to - from, GATE_VALUE) != to - from)
        return GATE_FIELD_VALUE_BYTE;
    field->name = (ce_span){ line.start, (uint32_t)name };
    field->value = gate_trimmed(line.bytes, from, to);
    field->value.offset += line.start;
    return GATE_PASS;
}

static gate_rule note_host(ce_gate *gate, ce_span value) {
    gate_authority authority;
    if (gate->seen.has_host)
        return GATE_HOST_SEVERAL;
    if (!gate_parse_authority(gate->lines.bytes + value.offset, value.length, &authority))
        return GATE_HOST_SYNTAX;
    gate->seen.has_host = true;
    gate->seen.host = value;
    return GATE_PASS;
}

/* A list (RFC 9110 7.6.1). What is no token in it asks for nothing, so it changes nothing. */
static gate_rule note_connection(ce_gate *gate, const uint8_t *value, size_t length) {
    size_t at = 0;
    ce_span option;
    while (gate_next_element(value, length, &at, &option)) {
        if (gate_equal(value + option.offset, option.length, "close"))
            gate->seen.closes = true;
    }
    return GATE_PASS;
}

/* RFC 9110 10.1.1: there is one expectation, and a server may refuse any other. */
static gate_rule note_expectation(ce_gate *gate, const uint8_t *value, size_t length) {
    if (!gate_equal(value, length, "100-continue"))
        return GATE_EXPECTATION;
    gate->seen.has_expectation = true;
    return GATE_PASS;
}

/* Only the fields that frame or route a message mean something here; their name lengths differ, so most fields cost
 * one comparison of a number. */
gate_rule gate_note_field(ce_gate *gate, ce_field field) {
    const uint8_t *name = gate->lines.bytes + field.name.offset;
    const uint8_t *value = gate->lines.bytes + field.value.offset;
    size_t length = field.value.length;
    switch (field.name.length) {
    case 4:
        return gate_equal(name, 4, "host") ? note_host(gate, field.value) : GATE_PASS;
    case 6:
        return gate_equal(name, 6, "expect") ? note_expectation(gate, value, length) : GATE_PASS;
    case 10:
        return gate_equal(name, 10, "connection") ? note_connection(gate, value, length) : GATE_PASS;
    case 14:
        return gate_equal(name, 14, "content-length") ? gate_note_length(gate, value, length) : GATE_PASS;
    case 17:
        return gate_equal(name, 17, "transfer-encoding") ? gate_note_encoding(gate, value, length) : GATE_PASS;
    default:
        return GATE_PASS;
    }
}
