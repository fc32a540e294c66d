#include "request_parser.h"

#include <stdlib.h>

ce_request_parser *ce_request_parser_new(const ce_request_parser_limits *limits) {
    ce_request_parser *parser = calloc(1, sizeof *parser);
    if (parser != NULL)
        parser->limits = *limits;
    return parser;
}

void ce_request_parser_free(ce_request_parser *parser) {
    if (parser == NULL)
        return;
    parser_free_lines(&parser->lines);
    free(parser);
}

/* The memory stays for the next request. */
static void begin_request(ce_request_parser *parser) {
    parser_forget_lines(&parser->lines);
    parser->state = PARSER_AT_REQUEST_LINE;
    parser->lines.field_count = 0;
    parser->seen = (parser_seen){ 0 };
    parser->request = (ce_request){ 0 };
}

static parser_rule step_request_line(ce_request_parser *parser, parser_input *input) {
    bool complete;
    parser_rule rule =
        parser_take_line(&parser->lines, input, parser_request_line_limit(parser), PARSER_TARGET_TOO_LONG, &complete);
    if (rule == PARSER_TARGET_TOO_LONG)
        return parser_overlong_request_line(parser);
    if (rule != PARSER_PASS || !complete)
        return rule;
    parser_line line = parser_current_line(&parser->lines);
    if (line.length == 0) {
        /* RFC 9112 2.2: a server should ignore at least one; a stream of them would cost us without end. */
        if (parser->seen.empty_line)
            return PARSER_EMPTY_LINES;
        parser->seen.empty_line = true;
        parser_forget_lines(&parser->lines);
        return PARSER_PASS;
    }
    parser->lines.start = parser->lines.length;
    parser->state = PARSER_AT_FIELD;
    return parser_read_request_line(parser, line);
}

/* The head stays in the buffer until the next feed, as ce_request points into it. */
static parser_rule end_head(ce_request_parser *parser, ce_request_parser_event *event) {
    parser_rule rule = parser_judge_head(parser);
    if (rule != PARSER_PASS)
        return rule;
    *event = CE_PARSER_HEAD;
    parser->left = parser->request.content_length;
    if (parser->request.framing == CE_FRAMING_CHUNKED)
        parser->state = PARSER_AT_CHUNK_SIZE;
    else
        parser->state = parser->left > 0 ? PARSER_IN_BODY : PARSER_AT_END;
    parser->lines.start = parser->lines.length;
    return PARSER_PASS;
}

static parser_rule step_field(ce_request_parser *parser, parser_input *input, ce_request_parser_event *event) {
    ce_field field;
    parser_taken taken;
    parser_rule rule =
        parser_take_field(&parser->lines, input, parser->limits.head_bytes, parser->limits.fields, &taken, &field);
    if (rule != PARSER_PASS || taken == PARSER_TOOK_NONE)
        return rule;
    return taken == PARSER_TOOK_END ? end_head(parser, event) : parser_note_field(parser, field);
}

static void step_body(ce_request_parser *parser, parser_input *input, parser_state next,
                      ce_request_parser_event *event) {
    size_t count = input->count - input->at;
    if (count == 0)
        return;
    if (count > parser->left)
        count = (size_t)parser->left;
    if (count > UINT32_MAX)
        count = UINT32_MAX;
    parser->body = (ce_span){ (uint32_t)input->at, (uint32_t)count };
    input->at += count;
    parser->left -= count;
    if (parser->left == 0)
        parser->state = next;
    *event = CE_PARSER_BODY;
}

static parser_rule step_chunk_size(ce_request_parser *parser, parser_input *input) {
    bool complete;
    parser_rule rule =
        parser_take_line(&parser->lines, input, parser->limits.chunk_line_bytes, PARSER_CHUNK_LINE_TOO_LONG, &complete);
    if (rule != PARSER_PASS || !complete)
        return rule;
    rule = parser_parse_chunk_line(parser_current_line(&parser->lines), &parser->left);
    parser->state = parser->left > 0 ? PARSER_IN_CHUNK : PARSER_AT_TRAILER;
    parser->lines.field_count = 0;
    parser_forget_lines(&parser->lines);
    return rule;
}

/* Trailers are read as strictly as fields and dropped: none may change how a message is framed or routed (RFC 9110
 * 6.5.1), and no callee of the request parser asks for one. */
static parser_rule step_trailer(ce_request_parser *parser, parser_input *input, ce_request_parser_event *event) {
    bool complete;
    parser_rule rule = parser_take_line(&parser->lines, input, parser->limits.chunk_line_bytes,
                                        PARSER_TRAILER_LINE_TOO_LONG, &complete);
    if (rule != PARSER_PASS || !complete)
        return rule;
    parser_line line = parser_current_line(&parser->lines);
    parser_forget_lines(&parser->lines);
    if (line.length == 0) {
        begin_request(parser);
        *event = CE_PARSER_END;
        return PARSER_PASS;
    }
    ce_field dropped;
    if (parser->lines.field_count++ == parser->limits.fields)
        return PARSER_TOO_MANY_FIELDS;
    return parser_parse_field(line, &dropped);
}

static parser_rule step_chunk_end(ce_request_parser *parser, parser_input *input, uint8_t expected, parser_state next) {
    bool complete;
    parser_rule rule = parser_take_chunk_end(input, expected, &complete);
    if (complete)
        parser->state = next;
    return rule;
}

static parser_rule step(ce_request_parser *parser, parser_input *input, ce_request_parser_event *event) {
    switch (parser->state) {
    case PARSER_AT_REQUEST_LINE:
        return step_request_line(parser, input);
    case PARSER_AT_FIELD:
        return step_field(parser, input, event);
    case PARSER_IN_BODY:
        step_body(parser, input, PARSER_AT_END, event);
        return PARSER_PASS;
    case PARSER_AT_CHUNK_SIZE:
        return step_chunk_size(parser, input);
    case PARSER_IN_CHUNK:
        step_body(parser, input, PARSER_AT_CHUNK_CR, event);
        return PARSER_PASS;
    case PARSER_AT_CHUNK_CR:
        return step_chunk_end(parser, input, '\r', PARSER_AT_CHUNK_LF);
    case PARSER_AT_CHUNK_LF:
        return step_chunk_end(parser, input, '\n', PARSER_AT_CHUNK_SIZE);
    case PARSER_AT_TRAILER:
        return step_trailer(parser, input, event);
    case PARSER_AT_END:
        begin_request(parser);
        *event = CE_PARSER_END;
        return PARSER_PASS;
    }
    return PARSER_PASS;
}

/* A request may be refused before its line is whole, and its method is then in what is kept, in what has just come, or in both. */
static bool is_head(const ce_request_parser *parser, const parser_input *input) {
    static const char head[] = "HEAD ";
    if (parser->state != PARSER_AT_REQUEST_LINE && parser->state != PARSER_AT_FIELD)
        return false;
    for (size_t at = 0; at < sizeof head - 1; at++) {
        size_t further = at < parser->lines.length ? 0 : input->at + at - parser->lines.length;
        if (at >= parser->lines.length && further >= input->count)
            return false;
        if ((at < parser->lines.length ? parser->lines.bytes[at] : input->bytes[further]) != (uint8_t)head[at])
            return false;
    }
    return true;
}

/* A refusal consumes nothing of the feed it happens in: there is no going on from there. */
ce_request_parser_event ce_request_parser_feed(ce_request_parser *parser, const uint8_t *bytes, size_t count,
                                               size_t *consumed) {
    *consumed = 0;
    if (parser->refused != PARSER_PASS)
        return CE_PARSER_REFUSED;
    parser_input input = { .bytes = bytes, .count = count, .at = 0 };
    ce_request_parser_event event = CE_PARSER_MORE;
    do {
        parser->refused = step(parser, &input, &event);
        if (parser->refused != PARSER_PASS) {
            parser->to_head = is_head(parser, &input);
            return CE_PARSER_REFUSED;
        }
    } while (event == CE_PARSER_MORE && input.at < input.count);
    *consumed = input.at;
    return event;
}

const ce_request *ce_request_parser_request(const ce_request_parser *parser) {
    return &parser->request;
}

ce_span ce_request_parser_body(const ce_request_parser *parser) {
    return parser->body;
}

ce_refusal ce_request_parser_refusal(const ce_request_parser *parser) {
    ce_refusal refusal = parser_refusal_of(parser->refused);
    refusal.to_head = parser->to_head;
    return refusal;
}

ce_refusal parser_refusal_of_request(const ce_request_parser *parser, parser_rule rule) {
    ce_refusal refusal = parser_refusal_of(rule);
    refusal.to_head = is_head(parser, &(parser_input){ .bytes = NULL, .count = 0, .at = 0 });
    return refusal;
}

/* The empty line that RFC 9112 2.2 allows between requests does not begin one. */
bool ce_request_parser_is_idle(const ce_request_parser *parser) {
    return parser->state == PARSER_AT_REQUEST_LINE && parser->lines.length == 0 && parser->refused == PARSER_PASS;
}

void ce_request_parser_trim(ce_request_parser *parser) {
    if (ce_request_parser_is_idle(parser))
        parser_trim_lines(&parser->lines);
}

void ce_request_parser_renew(ce_request_parser *parser, const ce_request_parser_limits *limits) {
    begin_request(parser);
    parser->limits = *limits;
    parser->refused = PARSER_PASS;
    parser->to_head = false;
}
