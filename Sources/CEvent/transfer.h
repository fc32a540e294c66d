/* Private to CEvent: one request and its response. Calls lead from transfer.c to transfer_drive.c to transfer_send.c and
 * transfer_receive.c to transfer_end.c. */
#ifndef CE_TRANSFER_H
#define CE_TRANSFER_H

#include "names.h"
#include "pool.h"
#include "response_parser.h"
#include "turns.h"
#include "upstream.h"

#include <event2/buffer.h>

typedef enum ce_stage {
    CE_STAGE_NAMING,
    CE_STAGE_CONNECTING,
    CE_STAGE_WAITING,   /* for the response's head; the request goes out meanwhile */
    CE_STAGE_RECEIVING, /* content; so may the request still */
    CE_STAGE_ENDING,
} ce_stage;

/* What a step of sending or receiving came to. */
typedef enum ce_step {
    CE_STEP_GOES_ON,
    CE_STEP_WHOLE, /* the response is complete */
    CE_STEP_LOST,  /* the connection ended before it was */
    CE_STEP_ENDED, /* the transfer has failed or was cancelled: nothing is to be done */
} ce_step;

/* The first read of a response, and the first after the sink wanted no more: what is read and not wanted has to be held. Each read that
 * the sink takes whole lets the next be twice as large, as far as the client's socket has room. */
enum { CE_FIRST_READ_BYTES = 16 * 1024 };

struct ce_transfer {
    ce_pool *pool;
    ce_origin *origin;
    ce_upstream *upstream; /* NULL: none yet, or none any more */
    ce_lookup lookup;
    uint32_t route; /* by which a connection is made: the pool may have another one before a name is found */
    struct event *limit;
    int64_t due_ms;   /* when the time limit of the stage passes; 0: none runs */
    int64_t armed_ms; /* when `limit` will fire; 0: it is not armed */
    ce_stage stage;
    ce_outcome outcome;
    const ce_transfer_events *events;
    void *context;
    uint32_t connect_ms, first_byte_ms, stall_ms;

    /* The request: its head and a body that was given with it, kept until the end, as it may have to be sent again. */
    char *text;
    size_t text_length, text_capacity, text_sent;
    bool to_head; /* the method is HEAD */
    bool acts;    /* must not be sent twice */
    bool retried;
    bool over_kept, connected; /* for the counts */
    uint64_t written_before;   /* what the connection had written when this request began */

    /* A streamed body. */
    struct evbuffer *upload; /* framed; made at the first use */
    bool streams, chunked, upload_ended;
    bool deaf;  /* the other side takes no more of the request: the rest is dropped */
    bool stale; /* the kept connection took nothing of it: it waits for another try */
    uint64_t announced_left;
    uint64_t sent, sent_at_check;

    /* The response. */
    ce_response_parser parser;
    bool paused, complete;
    size_t read_size; /* of the next read, in bytes */
    int goes_to;      /* the socket of the client that gets the content; -1: not known */
    bool exact;       /* nothing came after it */
    uint8_t *held;    /* what came while the sink wanted nothing: content, then what is not parsed yet */
    size_t held_content, held_length;
    uint64_t received, received_at_check;
    ce_turn turn; /* of a long response */

    char reason[CURL_ERROR_SIZE + 64];
    TAILQ_ENTRY(ce_transfer) next;
};

/* ---- transfer_end.c ---- */
/* Restarts the time limit of the present stage. */
void ce_transfer_limit(ce_transfer *transfer, uint32_t milliseconds);
/* The timer has fired: whether the time is up. */
bool ce_transfer_limit_passed(ce_transfer *transfer);
/* Ends it in a later poll. */
void ce_transfer_fail(ce_transfer *transfer, ce_outcome outcome, const char *reason);
void ce_transfer_end(ce_transfer *transfer, ce_outcome outcome, const char *reason);
/* Lets go of its connection: kept for another call, or closed. */
void ce_transfer_leave(ce_transfer *transfer, bool keeps);
void ce_transfer_release(ce_transfer *transfer);

/* ---- transfer_request.c ---- */
/* Makes room for a text of that length; what is in it stays. */
void ce_transfer_reserve(ce_transfer *transfer, size_t needed);
/* Writes the request's text. Returns NULL, or why the call cannot be sent. */
const char *ce_transfer_compose(ce_transfer *transfer, const ce_call *call);

/* ---- transfer_send.c ---- */
/* Writes what the connection takes now. */
void ce_transfer_write(ce_transfer *transfer);
bool ce_transfer_is_starved(const ce_transfer *transfer);

/* ---- transfer_receive.c ---- */
ce_step ce_transfer_receive(ce_transfer *transfer);

/* ---- transfer_drive.c ---- */
/* Reads on: a piece of a long response, in its turn. */
void ce_transfer_take_turn(void *transfer);
/* Finds or makes a connection, and sends. */
void ce_transfer_go(ce_transfer *transfer);

#endif
