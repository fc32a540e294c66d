/* What the fuzzers of C share: a check that holds for every input, and a record of everything that a parser said. */
#ifndef RECORD_H
#define RECORD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* As bytes: two runs are equal when these are. */
typedef struct record {
    uint8_t *bytes;
    size_t length, capacity;
} record;

static inline void write_bytes(record *record, const void *bytes, size_t count) {
    if (record->length + count > record->capacity) {
        record->capacity = 2 * (record->length + count);
        record->bytes = realloc(record->bytes, record->capacity);
        HOLDS(record->bytes != NULL);
    }
    if (count > 0)
        memcpy(record->bytes + record->length, bytes, count);
    record->length += count;
}

static inline void write_number(record *record, uint64_t number) {
    write_bytes(record, &number, sizeof number);
}

static inline void write_span(record *record, const ce_header_block *head, ce_span span) {
    HOLDS((size_t)span.offset + span.length <= head->length);
    write_number(record, span.length);
    write_bytes(record, head->bytes + span.offset, span.length);
}

/* RFC 9110 section 5.5: what a parser lets through has no control character in it. */
static inline void write_fields(record *record, const ce_header_block *head) {
    for (size_t at = 0; at < head->field_count; at++) {
        ce_span value = head->fields[at].value;
        for (uint32_t index = 0; index < value.length; index++) {
            uint8_t byte = head->bytes[value.offset + index];
            HOLDS(byte == '\t' || (byte >= ' ' && byte != 0x7F));
        }
        write_span(record, head, head->fields[at].name);
        write_span(record, head, value);
    }
}

/* A piece of the input in memory of its own size, so that the address sanitizer sees a read past it. */
static inline uint8_t *copy_of(const uint8_t *from, size_t count) {
    uint8_t *piece = malloc(count > 0 ? count : 1);
    HOLDS(piece != NULL);
    if (count > 0)
        memcpy(piece, from, count);
    return piece;
}

/* How an input is cut into pieces. `seed` 0: not at all; 1: byte by byte; else at places that it decides. */
typedef struct cuts {
    uint32_t seed, dice;
} cuts;

static inline size_t next_piece(cuts *cuts, size_t left) {
    cuts->dice = cuts->dice * 1664525u + 1013904223u;
    size_t size = cuts->seed == 0 ? left : cuts->seed == 1 ? 1 : 1 + (cuts->dice >> 16) % (cuts->seed % 64 + 1);
    return size < left ? size : left;
}

static inline void check_same(record whole, record split) {
    HOLDS(split.length == whole.length);
    HOLDS(whole.length == 0 || memcmp(split.bytes, whole.bytes, whole.length) == 0);
    free(split.bytes);
}

#endif
