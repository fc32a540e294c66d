/* What a response did wrong, in words that end the sentence "the Hub's response cannot be passed on: …". None repeats what it said. */
#include "response_parser.h"

static const ce_response_fault_words faults[RESPONSE_RULE_COUNT] = {
    [PARSER_PASS] = { "", "" },
    [PARSER_BARE_LF] = { "bare-lf", "a line ends with LF alone" },
    [PARSER_BARE_CR] = { "bare-cr", "a CR stands without LF behind it" },
    [PARSER_HEAD_TOO_LARGE] = { "head-too-large", "its head is too long" },
    [PARSER_TOO_MANY_FIELDS] = { "too-many-fields", "it has too many fields" },
    [PARSER_FIELD_FOLDED] = { "field-folded", "a field goes on in a second line" },
    [PARSER_FIELD_NO_COLON] = { "field-no-colon", "a field has no name: its line has no colon" },
    [PARSER_FIELD_NAME_EMPTY] = { "field-name-empty", "a field has no name" },
    [PARSER_FIELD_NAME_BLANK] = { "field-name-blank", "a field's name is not a token: a blank stands behind it" },
    [PARSER_FIELD_NAME_TOKEN] = { "field-name-token", "a field's name is not a token" },
    [PARSER_FIELD_VALUE_BYTE] = { "field-value-byte", "a field's value has a control character" },
    [PARSER_LENGTH_SYNTAX] = { "content-length-syntax", "its Content-Length is not a number" },
    [PARSER_LENGTH_TWICE] = { "two-content-lengths", "it has two Content-Length fields" },
    [PARSER_LENGTH_AND_ENCODING] = { "length-and-encoding", "it has both Content-Length and Transfer-Encoding" },
    [PARSER_ENCODING_IN_1_0] = { "encoding-in-1.0", "it is HTTP/1.0 and has a Transfer-Encoding" },
    [PARSER_ENCODING_UNKNOWN] = { "encoding-unknown", "its Transfer-Encoding is not just chunked" },
    [PARSER_CHUNK_LINE_TOO_LONG] = { "chunk-line-too-long", "a chunk's first line is too long" },
    [PARSER_CHUNK_SIZE] = { "chunk-size", "a chunk's size is not a hexadecimal number" },
    [PARSER_CHUNK_EXTENSION] = { "chunk-extension", "a chunk's extension is malformed" },
    [PARSER_CHUNK_DATA_END] = { "chunk-data-end", "a chunk is longer than its size" },
    [PARSER_TRAILER_LINE_TOO_LONG] = { "trailers-too-large", "its trailers are too long" },
    [PARSER_NO_MEMORY] = { "no-memory", "there is no memory for its head" },
    [RESPONSE_STATUS_LINE] = { "status-line", "its status line is malformed" },
    [RESPONSE_STATUS_RANGE] = { "status-range", "its status code is out of range" },
    [RESPONSE_SWITCHED] = { "switched", "it switched protocols unasked" },
    [RESPONSE_INTERIM] = { "too-many-interim", "it sent too many interim responses" },
    [RESPONSE_NO_HEAD] = { "no-head", "it ended before its head" },
    [RESPONSE_CUT] = { "cut", "it was cut off before its end" },
};

ce_response_fault_words response_fault_of(int rule) {
    return faults[rule];
}
