#include "response_parser.h"

#include <stdlib.h>

ce_response_parser *ce_response_parser_new(void) {
    return calloc(1, sizeof(ce_response_parser));
}

void ce_response_parser_free(ce_response_parser *parser) {
    if (parser != NULL) {
        parser_free_lines(&parser->lines);
        free(parser);
    }
}

void ce_response_begin(ce_response_parser *parser, bool to_head) {
    parser_lines lines = parser->lines;
    parser_forget_lines(&lines);
    lines.field_count = 0;
    *parser = (ce_response_parser){ .to_head = to_head, .lines = lines };
}

/* Interim heads are read as strictly as the final one, counted, and not given on: none was asked for. */
static void next_head(ce_response_parser *parser) {
    uint32_t interim = parser->interim + 1;
    ce_response_begin(parser, parser->to_head);
    parser->begun = true;
    parser->interim = interim;
}

static int step_status_line(ce_response_parser *parser, parser_input *input) {
    bool complete;
    int rule = parser_take_line(&parser->lines, input, RESPONSE_HEAD_BYTES, PARSER_HEAD_TOO_LARGE, &complete);
    if (rule != PARSER_PASS || !complete)
        return rule;
    parser_line line = parser_current_line(&parser->lines);
    parser->lines.start = parser->lines.length;
    parser->state = RESPONSE_AT_FIELD;
    return response_read_status_line(parser, line);
}

static int end_head(ce_response_parser *parser, ce_response_event *event) {
    if (parser->response.status < 200) {
        next_head(parser);
        return parser->interim > RESPONSE_INTERIM_HEADS ? RESPONSE_INTERIM : PARSER_PASS;
    }
    int rule = response_settle(parser);
    if (rule != PARSER_PASS)
        return rule;
    static const response_state states[] = {
        [CE_CONTENT_NONE] = RESPONSE_AT_END,
        [CE_CONTENT_LENGTH] = RESPONSE_IN_CONTENT,
        [CE_CONTENT_CHUNKED] = RESPONSE_AT_CHUNK_SIZE,
        [CE_CONTENT_CLOSE] = RESPONSE_UNTIL_CLOSE,
    };
    parser->state = states[parser->response.end];
    parser->left = parser->response.content_length;
    /* The lines stay where they are until a chunk-size line overwrites them. */
    parser->lines.start = parser->lines.length;
    *event = CE_RESPONSE_HEAD;
    return PARSER_PASS;
}

static int step_field(ce_response_parser *parser, parser_input *input, ce_response_event *event) {
    ce_field field;
    parser_taken taken;
    int rule = parser_take_field(&parser->lines, input, RESPONSE_HEAD_BYTES, RESPONSE_FIELDS, &taken, &field);
    if (rule != PARSER_PASS || taken == PARSER_TOOK_NONE)
        return rule;
    return taken == PARSER_TOOK_END ? end_head(parser, event) : response_note_field(parser, field);
}

static void step_content(ce_response_parser *parser, parser_input *input, ce_response_event *event) {
    size_t count = input->count - input->at;
    bool counted = parser->state != RESPONSE_UNTIL_CLOSE;
    if (counted && count > parser->left)
        count = (size_t)parser->left;
    if (count > UINT32_MAX)
        count = UINT32_MAX;
    if (count == 0)
        return;
    parser->content = (ce_span){ (uint32_t)input->at, (uint32_t)count };
    input->at += count;
    *event = CE_RESPONSE_CONTENT;
    if (!counted)
        return;
    parser->left -= count;
    if (parser->left == 0)
        parser->state = parser->state == RESPONSE_IN_CHUNK ? RESPONSE_AT_CHUNK_CR : RESPONSE_AT_END;
}

static int step_chunk_size(ce_response_parser *parser, parser_input *input) {
    bool complete;
    if (parser->lines.start != 0)
        parser_forget_lines(&parser->lines);
    int rule =
        parser_take_line(&parser->lines, input, RESPONSE_CHUNK_LINE_BYTES, PARSER_CHUNK_LINE_TOO_LONG, &complete);
    if (rule != PARSER_PASS || !complete)
        return rule;
    rule = parser_parse_chunk_line(parser_current_line(&parser->lines), &parser->left);
    parser->state = parser->left > 0 ? RESPONSE_IN_CHUNK : RESPONSE_AT_TRAILER;
    parser_forget_lines(&parser->lines);
    return rule;
}

static int step_chunk_end(ce_response_parser *parser, parser_input *input, uint8_t expected, response_state next) {
    bool complete;
    int rule = parser_take_chunk_end(input, expected, &complete);
    if (complete)
        parser->state = next;
    return rule;
}

/* Read as strictly as fields, and dropped: none may change how a response is framed (RFC 9110 6.5.1). */
static int step_trailer(ce_response_parser *parser, parser_input *input) {
    bool complete;
    size_t limit = RESPONSE_HEAD_BYTES - parser->trailer_bytes;
    int rule = parser_take_line(&parser->lines, input, limit, PARSER_TRAILER_LINE_TOO_LONG, &complete);
    if (rule != PARSER_PASS || !complete)
        return rule;
    parser_line line = parser_current_line(&parser->lines);
    parser->trailer_bytes += parser->lines.length;
    parser_forget_lines(&parser->lines);
    if (line.length == 0) {
        parser->state = RESPONSE_AT_END;
        return PARSER_PASS;
    }
    ce_field dropped;
    if (parser->trailers++ == RESPONSE_FIELDS)
        return PARSER_TOO_MANY_FIELDS;
    return parser_parse_field(line, &dropped);
}

static int step(ce_response_parser *parser, parser_input *input, ce_response_event *event) {
    switch (parser->state) {
    case RESPONSE_AT_STATUS_LINE:
        return step_status_line(parser, input);
    case RESPONSE_AT_FIELD:
        return step_field(parser, input, event);
    case RESPONSE_IN_CONTENT:
    case RESPONSE_UNTIL_CLOSE:
    case RESPONSE_IN_CHUNK:
        step_content(parser, input, event);
        return PARSER_PASS;
    case RESPONSE_AT_CHUNK_SIZE:
        return step_chunk_size(parser, input);
    case RESPONSE_AT_CHUNK_CR:
        return step_chunk_end(parser, input, '\r', RESPONSE_AT_CHUNK_LF);
    case RESPONSE_AT_CHUNK_LF:
        return step_chunk_end(parser, input, '\n', RESPONSE_AT_CHUNK_SIZE);
    case RESPONSE_AT_TRAILER:
        return step_trailer(parser, input);
    case RESPONSE_AT_END:
    case RESPONSE_OVER:
        parser->state = RESPONSE_OVER;
        *event = CE_RESPONSE_END;
        return PARSER_PASS;
    }
    return PARSER_PASS;
}

static ce_response_event refuse(ce_response_parser *parser, int rule) {
    parser->refused = rule;
    return CE_RESPONSE_FAULTY;
}

ce_response_event ce_response_feed(ce_response_parser *parser, const uint8_t *bytes, size_t count, size_t *consumed) {
    *consumed = 0;
    if (parser->refused != PARSER_PASS)
        return CE_RESPONSE_FAULTY;
    parser_input input = { .bytes = bytes, .count = count, .at = 0 };
    ce_response_event event = CE_RESPONSE_MORE;
    parser->begun |= count > 0;
    do {
        int rule = step(parser, &input, &event);
        if (rule != PARSER_PASS)
            return refuse(parser, rule);
    } while (event == CE_RESPONSE_MORE && (input.at < input.count || parser->state == RESPONSE_AT_END));
    *consumed = input.at;
    return event;
}

ce_response_event ce_response_input_ended(ce_response_parser *parser) {
    if (parser->refused != PARSER_PASS)
        return CE_RESPONSE_FAULTY;
    switch (parser->state) {
    case RESPONSE_UNTIL_CLOSE:
    case RESPONSE_AT_END:
    case RESPONSE_OVER:
        parser->state = RESPONSE_OVER;
        return CE_RESPONSE_END;
    case RESPONSE_AT_STATUS_LINE:
    case RESPONSE_AT_FIELD:
        return refuse(parser, RESPONSE_NO_HEAD);
    default:
        return refuse(parser, RESPONSE_CUT);
    }
}

const ce_response *ce_response_parsed(const ce_response_parser *parser) {
    return &parser->response;
}

ce_span ce_response_content(const ce_response_parser *parser) {
    return parser->content;
}

ce_response_fault_words ce_response_fault(const ce_response_parser *parser) {
    return response_fault_of(parser->refused);
}

bool ce_response_has_begun(const ce_response_parser *parser) {
    return parser->begun;
}
