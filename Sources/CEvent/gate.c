#include "gate.h"

#include <stdlib.h>

ce_gate *ce_gate_new(const ce_gate_limits *limits) {
    ce_gate *gate = calloc(1, sizeof *gate);
    if (gate != NULL)
        gate->limits = *limits;
    return gate;
}

void ce_gate_free(ce_gate *gate) {
    if (gate == NULL)
        return;
    gate_free_lines(&gate->lines);
    free(gate);
}

/* The memory stays for the next request. */
static void begin_request(ce_gate *gate) {
    gate_forget_lines(&gate->lines);
    gate->state = GATE_AT_REQUEST_LINE;
    gate->lines.field_count = 0;
    gate->seen = (gate_seen){ 0 };
    gate->request = (ce_request){ 0 };
}

static gate_rule step_request_line(ce_gate *gate, gate_input *input) {
    bool complete;
    gate_rule rule =
        gate_take_line(&gate->lines, input, gate_request_line_limit(gate), GATE_TARGET_TOO_LONG, &complete);
    if (rule == GATE_TARGET_TOO_LONG)
        return gate_overlong_request_line(gate);
    if (rule != GATE_PASS || !complete)
        return rule;
    gate_line line = gate_current_line(&gate->lines);
    if (line.length == 0) {
        /* RFC 9112 2.2: a server should ignore at least one; a stream of them would cost us without end. */
        if (gate->seen.empty_line)
            return GATE_EMPTY_LINES;
        gate->seen.empty_line = true;
        gate_forget_lines(&gate->lines);
        return GATE_PASS;
    }
    gate->lines.start = gate->lines.length;
    gate->state = GATE_AT_FIELD;
    return gate_read_request_line(gate, line);
}

/* The head stays in the buffer until the next feed, as ce_request points into it. */
static gate_rule end_head(ce_gate *gate, ce_gate_event *event) {
    gate_rule rule = gate_judge_head(gate);
    if (rule != GATE_PASS)
        return rule;
    *event = CE_GATE_HEAD;
    gate->left = gate->request.content_length;
    if (gate->request.framing == CE_FRAMING_CHUNKED)
        gate->state = GATE_AT_CHUNK_SIZE;
    else
        gate->state = gate->left > 0 ? GATE_IN_BODY : GATE_AT_END;
    gate->lines.start = gate->lines.length;
    return GATE_PASS;
}

static gate_rule step_field(ce_gate *gate, gate_input *input, ce_gate_event *event) {
    bool complete;
    size_t limit = gate->limits.head_bytes - gate->lines.start;
    gate_rule rule = gate_take_line(&gate->lines, input, limit, GATE_HEAD_TOO_LARGE, &complete);
    if (rule != GATE_PASS || !complete)
        return rule;
    gate_line line = gate_current_line(&gate->lines);
    if (line.length == 0)
        return end_head(gate, event);
    if (gate->lines.field_count == gate->limits.fields)
        return GATE_TOO_MANY_FIELDS;
    ce_field field;
    rule = gate_parse_field(line, &field);
    if (rule == GATE_PASS)
        rule = gate_note_field(gate, field);
    if (rule == GATE_PASS)
        rule = gate_add_field(&gate->lines, field);
    gate->lines.start = gate->lines.length;
    return rule;
}

static void step_body(ce_gate *gate, gate_input *input, gate_state next, ce_gate_event *event) {
    size_t count = input->count - input->at;
    if (count == 0)
        return;
    if (count > gate->left)
        count = (size_t)gate->left;
    if (count > UINT32_MAX)
        count = UINT32_MAX;
    gate->body = (ce_span){ (uint32_t)input->at, (uint32_t)count };
    input->at += count;
    gate->left -= count;
    if (gate->left == 0)
        gate->state = next;
    *event = CE_GATE_BODY;
}

static gate_rule step_chunk_size(ce_gate *gate, gate_input *input) {
    bool complete;
    gate_rule rule =
        gate_take_line(&gate->lines, input, gate->limits.chunk_line_bytes, GATE_CHUNK_LINE_TOO_LONG, &complete);
    if (rule != GATE_PASS || !complete)
        return rule;
    rule = gate_parse_chunk_line(gate_current_line(&gate->lines), &gate->left);
    gate->state = gate->left > 0 ? GATE_IN_CHUNK : GATE_AT_TRAILER;
    gate->lines.field_count = 0;
    gate_forget_lines(&gate->lines);
    return rule;
}

/* Trailers are read as strictly as fields and dropped: none may change how a message is framed or routed (RFC 9110
 * 6.5.1), and nobody behind the gate asks for one. */
static gate_rule step_trailer(ce_gate *gate, gate_input *input, ce_gate_event *event) {
    bool complete;
    gate_rule rule =
        gate_take_line(&gate->lines, input, gate->limits.chunk_line_bytes, GATE_TRAILER_LINE_TOO_LONG, &complete);
    if (rule != GATE_PASS || !complete)
        return rule;
    gate_line line = gate_current_line(&gate->lines);
    gate_forget_lines(&gate->lines);
    if (line.length == 0) {
        begin_request(gate);
        *event = CE_GATE_END;
        return GATE_PASS;
    }
    ce_field dropped;
    if (gate->lines.field_count++ == gate->limits.fields)
        return GATE_TOO_MANY_FIELDS;
    return gate_parse_field(line, &dropped);
}

static gate_rule step_chunk_end(ce_gate *gate, gate_input *input, uint8_t expected, gate_state next) {
    if (input->at == input->count)
        return GATE_PASS;
    if (input->bytes[input->at] != expected)
        return GATE_CHUNK_DATA_END;
    input->at++;
    gate->state = next;
    return GATE_PASS;
}

static gate_rule step(ce_gate *gate, gate_input *input, ce_gate_event *event) {
    switch (gate->state) {
    case GATE_AT_REQUEST_LINE:
        return step_request_line(gate, input);
    case GATE_AT_FIELD:
        return step_field(gate, input, event);
    case GATE_IN_BODY:
        step_body(gate, input, GATE_AT_END, event);
        return GATE_PASS;
    case GATE_AT_CHUNK_SIZE:
        return step_chunk_size(gate, input);
    case GATE_IN_CHUNK:
        step_body(gate, input, GATE_AT_CHUNK_CR, event);
        return GATE_PASS;
    case GATE_AT_CHUNK_CR:
        return step_chunk_end(gate, input, '\r', GATE_AT_CHUNK_LF);
    case GATE_AT_CHUNK_LF:
        return step_chunk_end(gate, input, '\n', GATE_AT_CHUNK_SIZE);
    case GATE_AT_TRAILER:
        return step_trailer(gate, input, event);
    case GATE_AT_END:
        begin_request(gate);
        *event = CE_GATE_END;
        return GATE_PASS;
    }
    return GATE_PASS;
}

/* A request may be refused before its line is whole, and its method is then in what is kept, in what has just come, or in both. */
static bool is_head(const ce_gate *gate, const gate_input *input) {
    static const char head[] = "HEAD ";
    if (gate->state != GATE_AT_REQUEST_LINE && gate->state != GATE_AT_FIELD)
        return false;
    for (size_t at = 0; at < sizeof head - 1; at++) {
        size_t further = at < gate->lines.length ? 0 : input->at + at - gate->lines.length;
        if (at >= gate->lines.length && further >= input->count)
            return false;
        if ((at < gate->lines.length ? gate->lines.bytes[at] : input->bytes[further]) != (uint8_t)head[at])
            return false;
    }
    return true;
}

/* A refusal consumes nothing of the feed it happens in: nobody shall go on from there. */
ce_gate_event ce_gate_feed(ce_gate *gate, const uint8_t *bytes, size_t count, size_t *consumed) {
    *consumed = 0;
    if (gate->refused != GATE_PASS)
        return CE_GATE_REFUSED;
    gate_input input = { .bytes = bytes, .count = count, .at = 0 };
    ce_gate_event event = CE_GATE_MORE;
    do {
        gate->refused = step(gate, &input, &event);
        if (gate->refused != GATE_PASS) {
            gate->to_head = is_head(gate, &input);
            return CE_GATE_REFUSED;
        }
    } while (event == CE_GATE_MORE && input.at < input.count);
    *consumed = input.at;
    return event;
}

const ce_request *ce_gate_request(const ce_gate *gate) {
    return &gate->request;
}

ce_span ce_gate_body(const ce_gate *gate) {
    return gate->body;
}

ce_refusal ce_gate_refusal(const ce_gate *gate) {
    ce_refusal refusal = gate_refusal_of(gate->refused);
    refusal.to_head = gate->to_head;
    return refusal;
}

ce_refusal gate_refusal_of_request(const ce_gate *gate, gate_rule rule) {
    ce_refusal refusal = gate_refusal_of(rule);
    refusal.to_head = is_head(gate, &(gate_input){ .bytes = NULL, .count = 0, .at = 0 });
    return refusal;
}

/* The empty line that RFC 9112 2.2 allows between requests does not begin one. */
bool ce_gate_is_idle(const ce_gate *gate) {
    return gate->state == GATE_AT_REQUEST_LINE && gate->lines.length == 0 && gate->refused == GATE_PASS;
}

/* All of it: an idle connection then costs one struct, and a kilobyte is quickly had again. */
void ce_gate_trim(ce_gate *gate) {
    if (!ce_gate_is_idle(gate))
        return;
    gate_free_lines(&gate->lines);
}
