/* What a transfer does next: it finds a connection, sends, receives, and where a kept connection turns out closed, tries once more. */
#include "loop.h"
#include "transfer.h"

#include <stdio.h>

/* A connection is there. May not end the transfer: the caller does not have it yet where this is called from ce_transfer_start. */
static void begin_request(ce_transfer *transfer) {
    transfer->stage = CE_STAGE_WAITING;
    transfer->connected = true;
    transfer->over_kept = transfer->upstream->kept;
    transfer->written_before = transfer->upstream->channel.written;
    transfer->text_sent = 0;
    transfer->deaf = transfer->stale = false;
    ce_response_begin(&transfer->parser, transfer->to_head);
    ce_transfer_limit(transfer, transfer->first_byte_ms);
    if (ce_transfer_is_starved(transfer)) {
        /* The body's first bytes come at once, most likely, and leave with the head. */
        ce_upstream_want_write(transfer->upstream, true);
    } else {
        ce_transfer_write(transfer);
    }
}

static void on_connected(void *context, const char *fault) {
    ce_transfer *transfer = context;
    if (transfer->stage == CE_STAGE_ENDING) {
        return;
    }
    if (fault != NULL) {
        ce_transfer_fail(transfer, transfer->upstream->channel.outcome, fault);
        return;
    }
    begin_request(transfer);
}

static void open_connection(ce_transfer *transfer, const char *addresses);

/* The addresses were known a moment ago; if they are not now, they are looked up again. */
static void connect_anew(ce_transfer *transfer) {
    transfer->stage = CE_STAGE_NAMING;
    transfer->route = transfer->pool->upstreams.route;
    ce_transfer_limit(transfer, transfer->connect_ms);
    const ce_proxy *proxy = ce_pool_proxy(transfer->pool, transfer->origin);
    if (proxy != NULL ? proxy->numeric : transfer->origin->numeric) {
        open_connection(transfer, NULL);
        return;
    }
    const char *host = proxy != NULL ? proxy->host : transfer->origin->host;
    const char *addresses = ce_names_find(transfer->pool->names, host, &transfer->lookup);
    if (addresses != NULL) {
        open_connection(transfer, addresses);
    }
}

/* RFC 9110 9.2.2: a safe request is sent once more where a kept connection closed before a byte of the response; one that may act only
 * where not a byte of it has left. */
static void on_lost(ce_transfer *transfer) {
    bool begun = ce_response_has_begun(&transfer->parser);
    bool untouched = transfer->upstream->channel.written == transfer->written_before;
    bool repeats = !begun && transfer->over_kept && !transfer->retried && (!transfer->acts || untouched);
    bool flooded = transfer->upstream->channel.flooded;
    ce_transfer_leave(transfer, false);
    if (repeats) {
        transfer->retried = true;
        connect_anew(transfer);
    } else if (flooded) {
        ce_transfer_fail(transfer, CE_OUTCOME_BROKEN, "it sent too many TLS messages without content");
    } else if (begun) {
        ce_response_input_ended(&transfer->parser);
        ce_transfer_fail(transfer, CE_OUTCOME_BROKEN, ce_response_fault(&transfer->parser).reason);
    } else {
        ce_transfer_fail(transfer, CE_OUTCOME_BROKEN, "the connection closed before a response came");
    }
}

static void read_on(ce_transfer *transfer) {
    bool was_waiting = transfer->stage == CE_STAGE_WAITING;
    switch (ce_transfer_receive(transfer)) {
    case CE_STEP_WHOLE:
        ce_transfer_end(transfer, CE_OUTCOME_COMPLETE, "");
        return;
    case CE_STEP_LOST:
        on_lost(transfer);
        return;
    case CE_STEP_ENDED:
        return;
    case CE_STEP_GOES_ON:
        if (was_waiting && transfer->stage == CE_STAGE_RECEIVING) {
            ce_transfer_limit(transfer, transfer->stall_ms);
        }
        if (transfer->paused) {
            ce_upstream_set_reading(transfer->upstream, false);
        }
        return;
    }
}

void ce_transfer_take_turn(void *context) {
    ce_transfer *transfer = context;
    if (transfer->stage != CE_STAGE_ENDING && !transfer->paused) {
        ce_upstream_set_reading(transfer->upstream, true);
        read_on(transfer);
    }
}

static void on_readable(void *context) {
    ce_transfer *transfer = context;
    if (transfer->stage == CE_STAGE_ENDING || transfer->paused) {
        return;
    }
    if (transfer->received < CE_LONG_BODY_BYTES) {
        read_on(transfer);
    } else if (!ce_turn_take(&transfer->pool->loop->turns, &transfer->turn)) {
        /* Its socket would say so in each turn of the loop that it waits. */
        ce_upstream_set_reading(transfer->upstream, false);
    }
}

static void on_writable(void *context) {
    ce_transfer *transfer = context;
    if (transfer->stage == CE_STAGE_ENDING) {
        return;
    }
    ce_transfer_write(transfer);
    if (transfer->stage != CE_STAGE_ENDING && !transfer->paused && !transfer->upstream->read_enabled) {
        /* TLS had to write before it could read. What it has read ahead meanwhile makes no socket readable. */
        ce_upstream_set_reading(transfer->upstream, true);
        ce_upstream_read_again(transfer->upstream);
    }
}

static const ce_upstream_user user = { on_connected, on_readable, on_writable };

static void open_connection(ce_transfer *transfer, const char *addresses) {
    ce_pool *pool = transfer->pool;
    transfer->stage = CE_STAGE_CONNECTING;
    transfer->upstream = ce_upstream_open(&pool->upstreams, transfer->origin, ce_pool_proxy(pool, transfer->origin),
                                          addresses, &user, transfer);
}

static void on_found(void *context, const char *addresses, const char *reason) {
    ce_transfer *transfer = context;
    if (transfer->route != transfer->pool->upstreams.route) {
        /* The proxy has changed meanwhile: these are the addresses of another host. */
        connect_anew(transfer);
    } else if (addresses == NULL) {
        bool by_proxy = ce_pool_proxy(transfer->pool, transfer->origin) != NULL;
        ce_transfer_fail(transfer, by_proxy ? CE_OUTCOME_PROXY_UNREACHABLE : CE_OUTCOME_UNREACHABLE, reason);
    } else {
        open_connection(transfer, addresses);
    }
}

void ce_transfer_go(ce_transfer *transfer) {
    transfer->lookup = (ce_lookup){ .found = on_found, .context = transfer };
    transfer->upstream = ce_upstream_take(transfer->origin, transfer->acts, &user, transfer);
    if (transfer->upstream != NULL) {
        begin_request(transfer);
    } else {
        connect_anew(transfer);
    }
}
