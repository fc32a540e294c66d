/* A response's status line and the fields that frame it (RFC 9112 4 and 6.3). */
#include "response_parser.h"

#include <string.h>

/* HTTP-version SP status-code [ SP reason-phrase ]: many servers leave out the second SP where there is no phrase. */
int response_read_status_line(ce_response_parser *parser, parser_line line) {
    const uint8_t *bytes = line.bytes;
    if (line.length < 12 || memcmp(bytes, "HTTP/1.", 7) != 0 || (bytes[7] != '0' && bytes[7] != '1') || bytes[8] != ' '
        || parser_span_of(bytes + 9, line.length - 9, PARSER_DIGIT) != 3 || (line.length > 12 && bytes[12] != ' ')
        || parser_span_of(bytes + 12, line.length - 12, PARSER_VALUE) != line.length - 12)
        return RESPONSE_STATUS_LINE;
    int status = (bytes[9] - '0') * 100 + (bytes[10] - '0') * 10 + (bytes[11] - '0');
    if (status < 100 || status > 599)
        return RESPONSE_STATUS_RANGE;
    parser->http_1_0 = bytes[7] == '0';
    parser->response.status = status;
    return status == 101 ? RESPONSE_SWITCHED : PARSER_PASS;
}

/* Said once and in digits, or refused, even where the same number stands twice. */
static int note_length(ce_response_parser *parser, const uint8_t *value, size_t length) {
    if (parser->has_length)
        return PARSER_LENGTH_TWICE;
    parser->has_length = true;
    return parser_parse_length(value, length, &parser->response.content_length);
}

static int note_encoding(ce_response_parser *parser, const uint8_t *value, size_t length) {
    if (parser->has_encoding || !parser_equal(value, length, "chunked"))
        return PARSER_ENCODING_UNKNOWN;
    parser->has_encoding = true;
    return PARSER_PASS;
}

int response_note_field(ce_response_parser *parser, ce_field field) {
    const uint8_t *value = parser->lines.bytes + field.value.offset;
    size_t length = field.value.length;
    switch (parser_kind_of_field(parser->lines.bytes + field.name.offset, field.name.length)) {
    case PARSER_FIELD_CONNECTION:
        parser->closes |= parser_has_element(value, length, "close");
        return PARSER_PASS;
    case PARSER_FIELD_CONTENT_LENGTH:
        return note_length(parser, value, length);
    case PARSER_FIELD_TRANSFER_ENCODING:
        return note_encoding(parser, value, length);
    default:
        return PARSER_PASS;
    }
}

/* The rules of RFC 9112 6.3 in their order. Two framings are refused also where there is no content: such a server cannot be
 * trusted with the next response either. */
int response_settle(ce_response_parser *parser) {
    ce_response *response = &parser->response;
    if (parser->has_encoding && parser->http_1_0)
        return PARSER_ENCODING_IN_1_0;
    if (parser->has_encoding && parser->has_length)
        return PARSER_LENGTH_AND_ENCODING;
    bool has_none = parser->to_head || response->status == 204 || response->status == 304;
    if (has_none || (parser->has_length && response->content_length == 0))
        response->end = CE_CONTENT_NONE;
    else if (parser->has_encoding)
        response->end = CE_CONTENT_CHUNKED;
    else
        response->end = parser->has_length ? CE_CONTENT_LENGTH : CE_CONTENT_CLOSE;
    response->keeps = !parser->http_1_0 && !parser->closes && response->end != CE_CONTENT_CLOSE;
    response->head = (ce_header_block){
        .bytes = parser->lines.bytes,
        .length = parser->lines.length,
        .fields = parser->lines.fields,
        .field_count = parser->lines.field_count,
    };
    return PARSER_PASS;
}
