#include "transfer.h"
#include "loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* While a streamed body moves, or waits for the client that sends it, the other side cannot be expected to answer. */
static bool is_uploading(const ce_transfer *transfer) {
    return transfer->streams && !transfer->deaf
        && (ce_transfer_is_starved(transfer) || transfer->sent != transfer->sent_at_check);
}

static void fail_to_name(ce_transfer *transfer) {
    const ce_proxy *proxy = ce_pool_proxy(transfer->pool, transfer->origin);
    char reason[320];
    snprintf(reason, sizeof reason, "the name %s was not found within the time limit",
             proxy != NULL ? proxy->host : transfer->origin->host);
    ce_transfer_fail(transfer, proxy != NULL ? CE_OUTCOME_PROXY_UNREACHABLE : CE_OUTCOME_UNREACHABLE, reason);
}

static void fail_to_connect(ce_transfer *transfer) {
    ce_tunnel *tunnel = transfer->upstream->channel.tunnel;
    if (tunnel == NULL) {
        ce_transfer_fail(transfer, CE_OUTCOME_UNREACHABLE, "no connection within the time limit");
        return;
    }
    static const ce_outcome outcomes[] = {
        [CE_TUNNEL_DIALLING] = CE_OUTCOME_PROXY_UNREACHABLE,
        [CE_TUNNEL_ASKING] = CE_OUTCOME_PROXY_FAILED,
        [CE_TUNNEL_OPEN] = CE_OUTCOME_UNREACHABLE,
    };
    ce_transfer_fail(transfer, outcomes[ce_tunnel_state_of(tunnel)], ce_tunnel_overdue(tunnel));
}

static void on_limit(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_transfer *transfer = context;
    if (!ce_transfer_limit_passed(transfer)) {
        return;
    }
    switch (transfer->stage) {
    case CE_STAGE_NAMING:
        fail_to_name(transfer);
        break;
    case CE_STAGE_CONNECTING:
        fail_to_connect(transfer);
        break;
    case CE_STAGE_WAITING:
        if (is_uploading(transfer)) {
            transfer->sent_at_check = transfer->sent;
            ce_transfer_limit(transfer, transfer->first_byte_ms);
            break;
        }
        ce_transfer_fail(transfer, CE_OUTCOME_TOO_SLOW, "no answer within the time limit");
        break;
    case CE_STAGE_RECEIVING:
        if (transfer->paused || transfer->received != transfer->received_at_check) {
            transfer->received_at_check = transfer->received;
            ce_transfer_limit(transfer, transfer->stall_ms);
        } else {
            ce_transfer_fail(transfer, CE_OUTCOME_TOO_SLOW, "the response stood still for longer than the time limit");
        }
        break;
    case CE_STAGE_ENDING:
        break;
    }
}

static ce_transfer *new_transfer(ce_pool *pool) {
    ce_transfer *transfer = TAILQ_FIRST(&pool->spare);
    if (transfer != NULL) {
        TAILQ_REMOVE(&pool->spare, transfer, next);
        pool->spare_count -= 1;
        return transfer;
    }
    transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL) {
        abort();
    }
    transfer->pool = pool;
    transfer->turn = (ce_turn){ .take = ce_transfer_take_turn, .context = transfer };
    transfer->limit = evtimer_new(pool->loop->base, on_limit, transfer);
    if (transfer->limit == NULL) {
        abort();
    }
    return transfer;
}

static void prepare(ce_transfer *transfer, const ce_call *call) {
    transfer->stage = CE_STAGE_NAMING;
    transfer->connect_ms = call->connect_ms;
    transfer->first_byte_ms = call->first_byte_ms;
    transfer->stall_ms = call->stall_ms;
    transfer->upstream = NULL;
    transfer->lookup.name = NULL;
    transfer->text_length = transfer->text_sent = 0;
    transfer->retried = transfer->over_kept = transfer->connected = false;
    transfer->streams = call->streams_body;
    transfer->upload_ended = transfer->deaf = transfer->stale = false;
    transfer->sent = transfer->sent_at_check = 0;
    transfer->paused = transfer->complete = transfer->exact = false;
    transfer->received = transfer->received_at_check = 0;
    transfer->read_size = CE_FIRST_READ_BYTES;
    transfer->goes_to = -1;
    transfer->reason[0] = '\0';
    if (transfer->streams && transfer->upload == NULL && (transfer->upload = evbuffer_new()) == NULL) {
        abort();
    }
}

ce_transfer *ce_transfer_start(ce_pool *pool, const ce_call *call, const ce_transfer_events *events, void *context) {
    ce_transfer *transfer = new_transfer(pool);
    pool->counts.calls += 1;
    pool->counts.sent_bytes += call->streams_body ? 0 : call->body_length;
    transfer->events = events;
    transfer->context = context;
    prepare(transfer, call);
    transfer->origin = ce_pool_origin(pool, call->url);
    const char *fault = "the URL has no clear host";
    if (transfer->origin != NULL) {
        transfer->origin->entry.uses += 1;
        fault = ce_transfer_compose(transfer, call);
    }
    if (fault != NULL) {
        ce_transfer_fail(transfer, CE_OUTCOME_UNREACHABLE, fault);
    } else {
        ce_transfer_go(transfer);
    }
    return transfer;
}

void ce_transfer_flows_to(ce_transfer *transfer, int socket) {
    transfer->goes_to = socket;
}

void ce_transfer_pause(ce_transfer *transfer) {
    if (transfer->stage == CE_STAGE_RECEIVING) {
        transfer->paused = true;
    }
}

void ce_transfer_resume(ce_transfer *transfer) {
    if (!transfer->paused || transfer->stage != CE_STAGE_RECEIVING) {
        return;
    }
    transfer->paused = false;
    ce_upstream_set_reading(transfer->upstream, true);
    ce_upstream_read_again(transfer->upstream);
}

void ce_transfer_cancel(ce_transfer *transfer) {
    ce_transfer_fail(transfer, CE_OUTCOME_CANCELLED, "cancelled");
}
