#include "request_parser.h"

/* One lookup a byte decides everything. Path and query hold more than RFC 3986 3.3 and 3.4 allow: browsers and
 * JavaScript clients follow the WHATWG URL standard, which leaves [ ] | ^ as they are in a path, and ` { } besides in
 * a query. No parser takes these for a delimiter, so nothing is ambiguous, and a request target is passed on as it
 * came. What delimits (# " < > \ blanks), controls and bytes from 0x80 stay out. `%` is judged with the two digits
 * after it. */
enum {
    EVERYWHERE = PARSER_TOKEN | PARSER_VALUE | PARSER_PATH | PARSER_QUERY,
    IN_TARGET = PARSER_VALUE | PARSER_PATH | PARSER_QUERY,
    UNRESERVED = EVERYWHERE | PARSER_HOST,
    OBS_TEXT = PARSER_VALUE,
};

const uint8_t parser_class[256] = {
    ['\t'] = PARSER_VALUE,
    [' '] = PARSER_VALUE,
    ['!'] = EVERYWHERE,
    ['"'] = PARSER_VALUE,
    ['#'] = PARSER_TOKEN | PARSER_VALUE,
    ['$'] = EVERYWHERE,
    ['%'] = PARSER_TOKEN | PARSER_VALUE,
    ['&'] = EVERYWHERE,
    ['\''] = EVERYWHERE,
    ['('] = IN_TARGET,
    [')'] = IN_TARGET,
    ['*'] = EVERYWHERE,
    ['+'] = EVERYWHERE,
    [','] = IN_TARGET,
    ['-'] = UNRESERVED,
    ['.'] = UNRESERVED,
    ['/'] = IN_TARGET,
    ['0' ... '9'] = UNRESERVED | PARSER_DIGIT | PARSER_HEX,
    [':'] = IN_TARGET,
    [';'] = IN_TARGET,
    ['<'] = PARSER_VALUE,
    ['='] = IN_TARGET,
    ['>'] = PARSER_VALUE,
    ['?'] = PARSER_VALUE | PARSER_QUERY,
    ['@'] = IN_TARGET,
    ['A' ... 'F'] = UNRESERVED | PARSER_HEX,
    ['G' ... 'Z'] = UNRESERVED,
    ['['] = IN_TARGET,
    ['\\'] = PARSER_VALUE,
    [']'] = IN_TARGET,
    ['^'] = EVERYWHERE,
    ['_'] = UNRESERVED,
    ['`'] = PARSER_TOKEN | PARSER_VALUE | PARSER_QUERY,
    ['a' ... 'f'] = UNRESERVED | PARSER_HEX,
    ['g' ... 'z'] = UNRESERVED,
    ['{'] = PARSER_VALUE | PARSER_QUERY,
    ['|'] = EVERYWHERE,
    ['}'] = PARSER_VALUE | PARSER_QUERY,
    ['~'] = UNRESERVED,
    [0x80 ... 0xFF] = OBS_TEXT,
};

size_t parser_span_of(const uint8_t *bytes, size_t length, int kinds) {
    size_t at = 0;
    while (at < length && parser_is(bytes[at], kinds))
        at++;
    return at;
}

/* Not strcasecmp: a locale must not decide what a field name is. */
static uint8_t lower_case(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + ('a' - 'A')) : byte;
}

bool parser_equal(const uint8_t *bytes, size_t length, const char *lower) {
    for (size_t at = 0; at < length; at++) {
        if (lower[at] == '\0' || lower_case(bytes[at]) != (uint8_t)lower[at])
            return false;
    }
    return lower[length] == '\0';
}

bool parser_same(const uint8_t *a, const uint8_t *b, size_t length) {
    size_t at = 0;
    while (at < length && lower_case(a[at]) == lower_case(b[at]))
        at++;
    return at == length;
}

int parser_hex_value(uint8_t digit) {
    return parser_is(digit, PARSER_DIGIT) ? digit - '0' : lower_case(digit) - 'a' + 10;
}

ce_span parser_trimmed(const uint8_t *bytes, size_t from, size_t to) {
    while (from < to && parser_is_blank(bytes[from]))
        from++;
    while (to > from && parser_is_blank(bytes[to - 1]))
        to--;
    return (ce_span){ (uint32_t)from, (uint32_t)(to - from) };
}

bool parser_next_element(const uint8_t *list, size_t length, size_t *at, ce_span *element) {
    if (*at > length)
        return false;
    size_t end = *at;
    while (end < length && list[end] != ',')
        end++;
    *element = parser_trimmed(list, *at, end);
    *at = end + 1;
    return true;
}

bool parser_has_element(const uint8_t *list, size_t length, const char *lower) {
    size_t at = 0;
    ce_span element;
    bool has = false;
    while (!has && parser_next_element(list, length, &at, &element)) {
        has = parser_equal(list + element.offset, element.length, lower);
    }
    return has;
}
