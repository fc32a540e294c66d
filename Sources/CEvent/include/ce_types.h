/* Types that the other headers share. */
#ifndef CEVENT_CE_TYPES_H
#define CEVENT_CE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ce_loop ce_loop;
typedef struct ce_timer ce_timer;
typedef struct ce_signal ce_signal;
typedef struct ce_watch ce_watch;
typedef struct ce_tls ce_tls;
typedef struct ce_request_parser ce_request_parser;
typedef struct ce_http ce_http;
typedef struct ce_exchange ce_exchange;
typedef struct ce_pool ce_pool;
typedef struct ce_transfer ce_transfer;

/* Why a call failed, in words for an operator. Empty when it did not. */
typedef struct ce_error {
    char reason[256];
} ce_error;

/* ---- messages: a head is its bytes and where each part stands in them ---- */

typedef struct ce_span {
    uint32_t offset, length;
} ce_span;

typedef struct ce_field {
    ce_span name, value;
} ce_field;

typedef struct ce_header_block {
    const uint8_t *bytes; /* every span below is inside these */
    size_t length;
    const ce_field *fields;
    size_t field_count;
} ce_header_block;

#endif
