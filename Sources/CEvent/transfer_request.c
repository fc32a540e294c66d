/* A request's head as it goes out: request line, Host, the caller's fields, and what frames the body. */
#include "transfer.h"

#include <stdlib.h>
#include <string.h>

/* Room for all that is not the caller's: the blanks, the version, the framing field. */
enum { CE_OWN_BYTES = 128 };

void ce_transfer_reserve(ce_transfer *transfer, size_t needed) {
    if (needed <= transfer->text_capacity) {
        return;
    }
    size_t capacity = transfer->text_capacity > 0 ? transfer->text_capacity : 512;
    while (capacity < needed) {
        capacity *= 2;
    }
    char *text = malloc(capacity);
    if (text == NULL) {
        abort();
    }
    if (transfer->text != NULL) {
        memcpy(text, transfer->text, transfer->text_length);
        /* There may be a token in it. */
        explicit_bzero(transfer->text, transfer->text_length);
        free(transfer->text);
    }
    transfer->text = text;
    transfer->text_capacity = capacity;
}

static char *append(char *into, const void *bytes, size_t count) {
    memcpy(into, bytes, count);
    return into + count;
}

/* A part of the target goes out byte for byte as it came, so it is checked here for what would end it. NULL: it has such a byte. */
static char *append_part(char *into, const char *from) {
    for (; *from != '\0' && *from != '#'; from += 1) {
        if ((uint8_t)*from <= ' ' || *from == 0x7f) {
            return NULL;
        }
        *into++ = *from;
    }
    return into;
}

/* The part of the URL after the origin, and the target that is appended to it. */
static char *append_target(char *into, const char *path, const char *target) {
    if (*path != '/' && (*path != '\0' || *target != '/')) {
        *into++ = '/';
    }
    into = append_part(into, path);
    bool ends = strchr(path, '#') != NULL;
    return into == NULL || ends ? into : append_part(into, target);
}

/* Where the body ends is said once, by us. */
static bool is_framing(const uint8_t *line, size_t length) {
    return (length > 14 && line[14] == ':' && parser_equal(line, 14, "content-length"))
        || (length > 17 && line[17] == ':' && parser_equal(line, 17, "transfer-encoding"));
}

/* The caller's lines, each of which ends with NUL. */
static char *append_fields(char *into, const uint8_t *lines, size_t length) {
    const uint8_t *end = lines + length;
    while (lines < end) {
        const uint8_t *nul = memchr(lines, '\0', (size_t)(end - lines));
        size_t count = nul != NULL ? (size_t)(nul - lines) : (size_t)(end - lines);
        if (!is_framing(lines, count)) {
            into = append(into, lines, count);
            into = append(into, "\r\n", 2);
        }
        lines += count + 1;
    }
    return into;
}

static size_t line_count(const ce_call *call) {
    size_t lines = 1;
    const uint8_t *end = call->fields + call->fields_length;
    for (const uint8_t *at = call->fields; at < end && (at = memchr(at, '\0', (size_t)(end - at))) != NULL; at += 1) {
        lines += 1;
    }
    return lines;
}

static bool is(const char *method, const char *name) {
    return strcmp(method, name) == 0;
}

/* As `sprintf` would, which takes longer than all the rest of a head. */
static char *append_decimal(char *into, uint64_t number) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *into++ = digits[--count];
    }
    return into;
}

/* RFC 9110 8.6: a method that usually has content says so where there is none. */
static char *append_framing(char *into, ce_transfer *transfer, const ce_call *call) {
    if (transfer->chunked) {
        return append(into, "Transfer-Encoding: chunked\r\n", 28);
    }
    int64_t length = call->streams_body ? call->stream_length : (int64_t)call->body_length;
    bool says = call->streams_body || call->body != NULL || is(call->method, "POST") || is(call->method, "PUT")
        || is(call->method, "PATCH");
    if (!says) {
        return into;
    }
    into = append(into, "Content-Length: ", 16);
    into = append_decimal(into, (uint64_t)length);
    return append(into, "\r\n", 2);
}

static bool is_safe(const char *method) {
    return is(method, "GET") || is(method, "HEAD") || is(method, "OPTIONS");
}

const char *ce_transfer_compose(ce_transfer *transfer, const ce_call *call) {
    const ce_origin *origin = transfer->origin;
    const char *path = call->url + origin->entry.key_length;
    size_t content = call->streams_body ? 0 : call->body_length;
    ce_transfer_reserve(transfer,
                        strlen(call->method) + strlen(path) + strlen(call->target) + origin->host_line_length
                            + call->fields_length + line_count(call) + CE_OWN_BYTES + content);
    transfer->to_head = is(call->method, "HEAD");
    transfer->acts = !is_safe(call->method) || call->body != NULL || call->streams_body;
    transfer->chunked = call->streams_body && call->stream_length < 0;
    transfer->announced_left = call->streams_body && !transfer->chunked ? (uint64_t)call->stream_length : 0;
    char *into = append(transfer->text, call->method, strlen(call->method));
    *into++ = ' ';
    into = append_target(into, path, call->target);
    if (into == NULL) {
        return "the URL has a blank or a control character";
    }
    into = append(into, " HTTP/1.1\r\n", 11);
    into = append(into, origin->host_line, origin->host_line_length);
    into = append_fields(into, call->fields, call->fields_length);
    into = append_framing(into, transfer, call);
    into = append(into, "\r\n", 2);
    if (content > 0) {
        into = append(into, call->body, content);
    }
    transfer->text_length = (size_t)(into - transfer->text);
    return NULL;
}
