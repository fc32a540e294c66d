#include "request_parser.h"

/* The table of refusals. The names are stable: metrics and tests count by them. Each sentence tells the client what to
 * do; none repeats what the client sent, so it can stand in any answer. */
static const struct {
    int status;
    const char *rule, *reason;
} refusals[PARSER_RULE_COUNT] = {
    [PARSER_PASS] = { 0, "", "" },
    [PARSER_BARE_LF] = { 400, "bare-lf",
                         "A line feed stands without a carriage return before it: end each line with CR LF." },
    [PARSER_BARE_CR] = { 400, "bare-cr",
                         "A carriage return stands without a line feed after it: end each line with CR LF." },
    [PARSER_EMPTY_LINES] = { 400, "empty-lines", "More than one empty line comes before the request line: send none." },
    [PARSER_REQUEST_LINE] = { 400, "request-line",
                              "The request line is not `method target version` with one space between: send exactly these three words." },
    [PARSER_METHOD_TOKEN] = { 400, "method-token", "The method is not a token: send a method name such as GET." },
    [PARSER_METHOD_TOO_LONG] = { 501, "method-too-long",
                                 "The method is longer than any that is known: send a method name such as GET." },
    [PARSER_METHOD_CONNECT] = { 501, "method-connect",
                                "This server makes no tunnels: request the resource itself instead of sending CONNECT." },
    [PARSER_METHOD_TRACE] = { 501, "method-trace", "TRACE is not supported: use GET or HEAD." },
    [PARSER_VERSION_SYNTAX] = { 400, "version-syntax", "The version in the request line is malformed: send HTTP/1.1." },
    [PARSER_VERSION_UNSUPPORTED] = { 505, "version-unsupported",
                                     "This version of HTTP is not supported: send HTTP/1.1." },
    [PARSER_TARGET_TOO_LONG] = { 414, "target-too-long",
                                 "The request target is too long: shorten the path or the query." },
    [PARSER_TARGET_FORM] = { 400, "target-form",
                             "The request target is neither a path nor an http or https URL: send a path that begins with `/`." },
    [PARSER_TARGET_ASTERISK] = { 400, "target-asterisk",
                                 "The request target `*` is for OPTIONS only: send a path that begins with `/`." },
    [PARSER_TARGET_AUTHORITY] = { 400, "target-authority",
                                  "The authority in the request target is not a host with an optional port: send a path that begins with `/`." },
    [PARSER_TARGET_HOST_MISMATCH] = { 400, "target-host-mismatch",
                                      "The host in the request target differs from the Host field: send the same in both." },
    [PARSER_TARGET_BYTE] = { 400, "target-byte",
                             "The request target holds a character that must be percent-encoded: send each of its UTF-8 bytes as `%` and two "
                             "hexadecimal digits, `%20` for a blank, `%C3%BC` for a u with two dots." },
    [PARSER_TARGET_ESCAPE] = { 400, "target-escape",
                               "The request target holds a `%` without two hexadecimal digits after it, or `%00`: encode a literal "
                               "`%` as `%25`." },
    [PARSER_TARGET_DOT_SEGMENT] = { 400, "target-dot-segment",
                                    "The path holds a `.` or `..` segment: resolve it before sending." },
    [PARSER_TARGET_DOUBLE_SLASH] = { 400, "target-double-slash", "The path begins with `//`: begin it with one `/`." },
    [PARSER_HEAD_TOO_LARGE] = { 431, "head-too-large",
                                "The request line and the header fields together are too large: send fewer or shorter fields." },
    [PARSER_TOO_MANY_FIELDS] = { 431, "too-many-fields", "There are too many header or trailer fields: send fewer." },
    [PARSER_FIELD_FOLDED] = { 400, "field-folded", "A header line begins with a blank: send each field on one line." },
    [PARSER_FIELD_NO_COLON] = { 400, "field-no-colon", "A header line has no colon: send `name: value`." },
    [PARSER_FIELD_NAME_EMPTY] = { 400, "field-name-empty",
                                  "A header line has no name before its colon: send `name: value`." },
    [PARSER_FIELD_NAME_BLANK] = { 400, "field-name-blank",
                                  "A blank stands between a header's name and its colon: remove it." },
    [PARSER_FIELD_NAME_TOKEN] = { 400, "field-name-token",
                                  "A header's name is not a token: use letters, digits and `-`." },
    [PARSER_FIELD_VALUE_BYTE] = { 400, "field-value-byte",
                                  "A header's value holds a control character: remove or encode it." },
    [PARSER_HOST_MISSING] = { 400, "host-missing", "The Host field is missing: send it." },
    [PARSER_HOST_SEVERAL] = { 400, "host-several", "There is more than one Host field: send one." },
    [PARSER_HOST_SYNTAX] = { 400, "host-syntax",
                             "The Host field is not a host with an optional port: send only these." },
    [PARSER_LENGTH_SYNTAX] = { 400, "content-length-syntax",
                               "Content-Length is not a decimal number of at most 18 digits: send the body's length in bytes." },
    [PARSER_LENGTH_TWICE] = { 400, "two-content-lengths", "There is more than one Content-Length: send one." },
    [PARSER_LENGTH_AND_ENCODING] = { 400, "length-and-encoding",
                                     "Content-Length and Transfer-Encoding stand together: send one of them." },
    [PARSER_ENCODING_IN_1_0] = { 400, "encoding-in-1.0",
                                 "Transfer-Encoding does not exist in HTTP/1.0: send Content-Length, or HTTP/1.1." },
    [PARSER_ENCODING_SYNTAX] = { 400, "encoding-syntax", "Transfer-Encoding is malformed: send exactly `chunked`." },
    [PARSER_ENCODING_TWICE] = { 400, "encoding-twice",
                                "Transfer-Encoding names `chunked` more than once: send it once." },
    [PARSER_ENCODING_UNKNOWN] = { 501, "encoding-unknown",
                                  "Transfer-Encoding names a coding that is not supported: send exactly `chunked`." },
    [PARSER_EXPECTATION] = { 417, "expectation",
                             "Expect is something else than `100-continue`: send the request without it." },
    [PARSER_HEAD_WITH_BODY] = { 400, "head-with-body", "A HEAD request has a body: send it without one." },
    [PARSER_CHUNK_LINE_TOO_LONG] = { 400, "chunk-line-too-long",
                                     "A chunk-size line is too long: send shorter chunk extensions, or none." },
    [PARSER_CHUNK_SIZE] = { 400, "chunk-size",
                            "A chunk size is not a hexadecimal number of at most 15 digits: send each chunk's length so." },
    [PARSER_CHUNK_EXTENSION] = { 400, "chunk-extension",
                                 "A chunk extension is malformed: send `;name` or `;name=value`, or none." },
    [PARSER_CHUNK_DATA_END] = { 400, "chunk-data-end",
                                "A chunk's data is not followed by CR LF: its size and its data differ." },
    [PARSER_TRAILER_LINE_TOO_LONG] = { 431, "trailer-line-too-long",
                                       "A trailer line is too long: send shorter trailer fields, or none." },
    [PARSER_NO_MEMORY] = { 503, "no-memory", "The server is short of memory: try again later." },
    [PARSER_HEAD_TOO_SLOW] = { 408, "head-too-slow", "The request's head did not arrive in time. Send it at once." },
    [PARSER_BODY_TOO_SLOW] = { 408, "body-too-slow",
                               "The request's body did not arrive in time. Send it without pauses." },
};

ce_refusal parser_refusal_of(parser_rule rule) {
    return (ce_refusal){ refusals[rule].status, refusals[rule].rule, refusals[rule].reason, rule, false };
}

uint32_t ce_rule_count(void) {
    return PARSER_RULE_COUNT;
}

const char *ce_rule_name(uint32_t number) {
    return refusals[number].rule;
}
