/* Checks an upstream's head: libcurl passes on what a gateway must not (two lengths, names with blanks, 10,000 fields, a 101). */
#include "gate.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void ce_head_reset(ce_head *head) {
    uint8_t *bytes = head->bytes;
    size_t capacity = head->capacity;
    int interim = head->interim;
    memset(head, 0, offsetof(ce_head, fields));
    head->field_count = 0;
    head->status = 0;
    head->complete = head->has_length = head->has_encoding = false;
    head->bytes = bytes;
    head->capacity = capacity;
    head->interim = interim;
}

static const char *status_line(ce_head *head, const char *line, size_t length) {
    ce_head_reset(head);
    const char *blank = memchr(line, ' ', length);
    size_t rest = blank == NULL ? 0 : length - (size_t)(blank - line) - 1;
    if (rest < 3 || (rest > 3 && blank[4] != ' ')) {
        return "its status line is malformed";
    }
    for (int digit = 1; digit <= 3; digit += 1) {
        if (blank[digit] < '0' || blank[digit] > '9') {
            return "its status line is malformed";
        }
        head->status = head->status * 10 + (blank[digit] - '0');
    }
    if (head->status < 100 || head->status > 599) {
        return "its status code is out of range";
    }
    return head->status == 101 ? "it switched protocols unasked" : NULL;
}

static const char *end_of_head(ce_head *head) {
    if (head->status == 0) {
        return "it has no status line";
    }
    if (head->status >= 200) {
        head->complete = true;
        return head->has_length && head->has_encoding ? "it has both Content-Length and Transfer-Encoding" : NULL;
    }
    head->interim += 1;
    return head->interim > CE_INTERIM_HEADS ? "it sent too many interim answers" : NULL;
}

static bool named(const char *line, size_t length, const char *name) {
    return length == strlen(name) && strncasecmp(line, name, length) == 0;
}

/* RFC 9112 6.3: what decides where the body ends must be said once and understood. */
static const char *check_framing(ce_head *head, ce_field field) {
    const char *name = (const char *)head->bytes + field.name.offset;
    const char *value = (const char *)head->bytes + field.value.offset;
    if (named(name, field.name.length, "content-length")) {
        if (field.value.length == 0 || field.value.length > 18 || strspn(value, "0123456789") < field.value.length) {
            return "its Content-Length is not a number";
        }
        if (head->has_length) {
            return "it has two Content-Length fields";
        }
        head->has_length = true;
    } else if (named(name, field.name.length, "transfer-encoding")) {
        if (head->has_encoding || !named(value, field.value.length, "chunked")) {
            return "its Transfer-Encoding is not just chunked";
        }
        head->has_encoding = true;
    }
    return NULL;
}

static const char *field_line(ce_head *head, const char *line, size_t length) {
    if (head->field_count == CE_HEAD_FIELDS) {
        return "it has too many fields";
    }
    const char *colon = memchr(line, ':', length);
    if (colon == NULL || colon == line) {
        return "a field has no name";
    }
    size_t name_length = (size_t)(colon - line);
    if (gate_span_of((const uint8_t *)line, name_length, GATE_TOKEN) < name_length) {
        return "a field's name is not a token";
    }
    size_t start = name_length + 1;
    while (start < length && (line[start] == ' ' || line[start] == '\t')) {
        start += 1;
    }
    while (length > start && (line[length - 1] == ' ' || line[length - 1] == '\t')) {
        length -= 1;
    }
    /* All of it is looked at: a loop without a way out is one that the compiler makes of vectors. */
    bool has_control = false;
    for (size_t index = start; index < length; index += 1) {
        uint8_t byte = (uint8_t)line[index];
        has_control |= (byte < 0x20 && byte != '\t') || byte == 0x7f;
    }
    if (has_control) {
        return "a field's value has a control character";
    }
    ce_field field = { .name = { (uint32_t)head->length, (uint32_t)name_length },
                       .value = { (uint32_t)(head->length + start), (uint32_t)(length - start) } };
    memcpy(head->bytes + head->length, line, length);
    head->bytes[head->length + length] = '\0';
    head->length += length + 1;
    head->fields[head->field_count] = field;
    head->field_count += 1;
    return check_framing(head, field);
}

const char *ce_head_line(ce_head *head, const char *line, size_t length) {
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) {
        length -= 1;
    }
    if (head->length + length + 1 > CE_HEAD_BYTES) {
        return "its head is too long";
    }
    if (head->length + length + 1 > head->capacity) {
        size_t capacity = head->capacity == 0 ? 4096 : head->capacity * 2;
        while (capacity < head->length + length + 1) {
            capacity *= 2;
        }
        uint8_t *bytes = realloc(head->bytes, capacity);
        if (bytes == NULL) {
            abort();
        }
        head->bytes = bytes;
        head->capacity = capacity;
    }
    if (head->complete) {
        /* Trailers: counted against the head's limit, and dropped. */
        head->length += length;
        return NULL;
    }
    if (length == 0) {
        return end_of_head(head);
    }
    if (head->status == 0 || (length >= 5 && memcmp(line, "HTTP/", 5) == 0)) {
        return status_line(head, line, length);
    }
    return field_line(head, line, length);
}
