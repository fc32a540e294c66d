#include "gate.h"

#include <string.h>

/* Where a body ends, and nothing else, decides where the next request begins: whatever two parsers could read in two
 * ways is refused here (RFC 9112 6, 11.2). */

enum { LONGEST_LENGTH = 18 }; /* digits: any number of them fits 64 bits */

gate_rule gate_parse_length(const uint8_t *value, size_t length, uint64_t *parsed) {
    if (memchr(value, ',', length) != NULL)
        return GATE_LENGTH_TWICE;
    if (length == 0 || length > LONGEST_LENGTH || gate_span_of(value, length, GATE_DIGIT) != length)
        return GATE_LENGTH_SYNTAX;
    uint64_t sum = 0;
    for (size_t at = 0; at < length; at++)
        sum = sum * 10 + (uint64_t)(value[at] - '0');
    *parsed = sum;
    return GATE_PASS;
}

/* RFC 9112 6.3 lets equal lengths be merged. Nobody sends two by intent, so not even equal ones pass. */
gate_rule gate_note_length(ce_gate *gate, const uint8_t *value, size_t length) {
    if (gate->seen.has_length)
        return GATE_LENGTH_TWICE;
    gate->seen.has_length = true;
    return gate_parse_length(value, length, &gate->request.content_length);
}

static gate_rule note_coding(ce_gate *gate, const uint8_t *name, size_t length) {
    if (length == 0 || gate_span_of(name, length, GATE_TOKEN) != length)
        return GATE_ENCODING_SYNTAX;
    if (gate_equal(name, length, "chunked"))
        gate->seen.chunked_count++;
    else
        gate->seen.unknown_coding = true;
    return GATE_PASS;
}

/* Several fields make one list (RFC 9110 5.3). An empty element or a parameter is malformed here: `chunked` has none
 * (RFC 9112 7), and `chunked,` is how one tests what a parser overlooks. */
gate_rule gate_note_encoding(ce_gate *gate, const uint8_t *value, size_t length) {
    gate->seen.has_encoding = true;
    size_t at = 0;
    ce_span coding;
    gate_rule rule = GATE_PASS;
    while (rule == GATE_PASS && gate_next_element(value, length, &at, &coding))
        rule = note_coding(gate, value + coding.offset, coding.length);
    return rule;
}

/* RFC 9112 6.1 and 6.3. */
static gate_rule judge_encoding(const ce_gate *gate) {
    const gate_seen *seen = &gate->seen;
    if (gate->request.http_1_0)
        return GATE_ENCODING_IN_1_0;
    if (seen->has_length)
        return GATE_LENGTH_AND_ENCODING;
    if (seen->chunked_count > 1)
        return GATE_ENCODING_TWICE;
    return seen->unknown_coding ? GATE_ENCODING_UNKNOWN : GATE_PASS;
}

static gate_rule settle_framing(ce_gate *gate) {
    ce_request *request = &gate->request;
    if (gate->seen.has_encoding) {
        gate_rule rule = judge_encoding(gate);
        if (rule != GATE_PASS)
            return rule;
        request->framing = CE_FRAMING_CHUNKED;
    } else {
        request->framing = gate->seen.has_length ? CE_FRAMING_LENGTH : CE_FRAMING_NONE;
    }
    return GATE_PASS;
}

/* A body in a HEAD request has no meaning (RFC 9110 9.3.2), and parsers are known to take it for the next request. */
gate_rule gate_judge_head(ce_gate *gate) {
    ce_request *request = &gate->request;
    gate_rule rule = settle_framing(gate);
    if (rule != GATE_PASS)
        return rule;
    bool body = request->framing == CE_FRAMING_CHUNKED || request->content_length > 0;
    if (body && gate_method_is(gate, "HEAD"))
        return GATE_HEAD_WITH_BODY;
    if (!gate->seen.has_host && !request->http_1_0)
        return GATE_HOST_MISSING;
    rule = gate_settle_target(gate);
    if (rule != GATE_PASS)
        return rule;
    request->close = request->http_1_0 || gate->seen.closes;
    /* RFC 9110 10.1.1: ignored in HTTP/1.0, and without a body there is nothing to continue with. */
    request->expects_continue = gate->seen.has_expectation && body && !request->http_1_0;
    request->head = (ce_header_block){
        .bytes = gate->lines.bytes,
        .length = gate->lines.length,
        .fields = gate->lines.fields,
        .field_count = gate->lines.field_count,
    };
    return GATE_PASS;
}
