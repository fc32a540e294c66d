#include "request_parser.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 1024, FIRST_FIELDS = 32 };
/* What is kept from one request to the next is this at most. */
enum { KEPT_CAPACITY = 4 * FIRST_CAPACITY, KEPT_FIELDS = 2 * FIRST_FIELDS };

/* Doubling, so that a head which comes byte by byte still costs O(n). Every caller appends within a limit that fits
 * 32 bits, so nothing here overflows. */
static parser_rule append(parser_lines *lines, const uint8_t *bytes, size_t count) {
    size_t needed = lines->length + count;
    if (needed > lines->capacity) {
        size_t capacity = lines->capacity != 0 ? lines->capacity : FIRST_CAPACITY;
        while (capacity < needed)
            capacity *= 2;
        uint8_t *grown = realloc(lines->bytes, capacity);
        if (grown == NULL)
            return PARSER_NO_MEMORY;
        lines->bytes = grown;
        lines->capacity = capacity;
    }
    memcpy(lines->bytes + lines->length, bytes, count);
    lines->length = needed;
    return PARSER_PASS;
}

parser_rule parser_add_field(parser_lines *lines, ce_field field) {
    if (lines->field_count == lines->field_capacity) {
        size_t capacity = lines->field_capacity != 0 ? 2 * (size_t)lines->field_capacity : FIRST_FIELDS;
        ce_field *grown = realloc(lines->fields, capacity * sizeof *grown);
        if (grown == NULL)
            return PARSER_NO_MEMORY;
        lines->fields = grown;
        lines->field_capacity = (uint32_t)capacity;
    }
    lines->fields[lines->field_count++] = field;
    return PARSER_PASS;
}

/* A line ends with CRLF and with nothing else: RFC 9112 2.2 lets a recipient take a bare LF for an end, and parsers
 * that differ in this are what smuggling lives on. Bare CR and bare LF are refused as soon as they are seen, as a peer
 * that sends them may never send the CRLF that would be waited for.
 *
 * Only the first `limit` bytes of a line are ever looked at, and only bytes that are new: memory and time are bounded,
 * and the verdict is the same for every split. */
parser_rule parser_take_line(parser_lines *lines, parser_input *input, size_t limit, parser_rule too_long,
                             bool *complete) {
    *complete = false;
    size_t count = input->count - input->at;
    if (count == 0)
        return PARSER_PASS;
    const uint8_t *bytes = input->bytes + input->at;
    size_t held = lines->length - lines->start;
    size_t take;
    if (held > 0 && lines->bytes[lines->length - 1] == '\r') {
        if (bytes[0] != '\n')
            return PARSER_BARE_CR;
        take = 1;
        *complete = true;
    } else {
        size_t room = limit > held ? limit - held : 0;
        /* The CR has to come before the last byte of the room; what lies further on must not sway the verdict. */
        size_t reach = room > 0 ? room - 1 : 0;
        size_t window = count < reach ? count : reach;
        const uint8_t *cr = memchr(bytes, '\r', window);
        size_t text = cr != NULL ? (size_t)(cr - bytes) : window;
        if (memchr(bytes, '\n', text) != NULL)
            return PARSER_BARE_LF;
        if (text >= reach) {
            /* Kept, as the line's first bytes may tell more exactly what is too long. */
            parser_rule rule = append(lines, bytes, text);
            return rule != PARSER_PASS ? rule : too_long;
        }
        *complete = cr != NULL && text + 1 < count;
        if (*complete && cr[1] != '\n')
            return PARSER_BARE_CR;
        take = *complete ? text + 2 : cr != NULL ? text + 1 : text;
    }
    parser_rule rule = append(lines, bytes, take);
    if (rule == PARSER_PASS)
        input->at += take;
    return rule;
}

parser_line parser_current_line(const parser_lines *lines) {
    return (parser_line){
        .bytes = lines->bytes + lines->start,
        .length = lines->length - lines->start - 2,
        .start = (uint32_t)lines->start,
    };
}

void parser_forget_lines(parser_lines *lines) {
    lines->length = 0;
    lines->start = 0;
}

void parser_trim_lines(parser_lines *lines) {
    if (lines->capacity > KEPT_CAPACITY || lines->field_capacity > KEPT_FIELDS)
        parser_free_lines(lines);
}

void parser_free_lines(parser_lines *lines) {
    free(lines->bytes);
    free(lines->fields);
    *lines = (parser_lines){ 0 };
}
