/* How a transfer ends, for whatever reason. */
#include "clock.h"
#include "loop.h"
#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Spare transfers are kept, except those whose text grew large. */
enum { CE_SPARE_AT_MOST = 1024, CE_SPARE_TEXT_BYTES = 64 * 1024 };

static void arm(ce_transfer *transfer, int64_t now, int64_t milliseconds) {
    struct timeval after = { .tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000 };
    evtimer_add(transfer->limit, &after);
    transfer->armed_ms = now + milliseconds;
}

/* The timer is moved only when it would fire too late: it stays when the transfer is done, and the next one finds it running. */
void ce_transfer_limit(ce_transfer *transfer, uint32_t milliseconds) {
    int64_t now = ce_now_ms();
    transfer->due_ms = now + milliseconds;
    if (transfer->armed_ms == 0 || transfer->armed_ms > transfer->due_ms) {
        arm(transfer, now, milliseconds);
    }
}

bool ce_transfer_limit_passed(ce_transfer *transfer) {
    int64_t now = ce_now_ms();
    transfer->armed_ms = 0;
    if (transfer->due_ms > now) {
        arm(transfer, now, transfer->due_ms - now);
    }
    return transfer->due_ms != 0 && transfer->due_ms <= now;
}

void ce_transfer_fail(ce_transfer *transfer, ce_outcome outcome, const char *reason) {
    if (transfer->stage == CE_STAGE_ENDING) {
        return;
    }
    ce_names_cancel(&transfer->lookup);
    transfer->stage = CE_STAGE_ENDING;
    transfer->outcome = outcome;
    snprintf(transfer->reason, sizeof transfer->reason, "%s", reason);
    TAILQ_INSERT_TAIL(&transfer->pool->ending, transfer, next);
    event_active(transfer->pool->work, EV_TIMEOUT, 0);
}

void ce_transfer_leave(ce_transfer *transfer, bool keeps) {
    ce_upstream *upstream = transfer->upstream;
    if (upstream == NULL) {
        return;
    }
    transfer->upstream = NULL;
    if (keeps) {
        ce_upstream_keep(upstream);
    } else {
        ce_upstream_close(upstream);
    }
}

static uint64_t *count_of(ce_pool_counts *counts, ce_outcome outcome) {
    switch (outcome) {
    case CE_OUTCOME_COMPLETE:
        return &counts->complete;
    case CE_OUTCOME_UNREACHABLE:
    case CE_OUTCOME_PROXY_UNREACHABLE:
    case CE_OUTCOME_PROXY_CREDENTIALS:
    case CE_OUTCOME_PROXY_REFUSED:
    case CE_OUTCOME_PROXY_FAILED:
        return &counts->unreachable;
    case CE_OUTCOME_TOO_SLOW:
        return &counts->too_slow;
    case CE_OUTCOME_CANCELLED:
        return &counts->cancelled;
    default:
        return &counts->broken;
    }
}

static void count_end(ce_transfer *transfer, ce_outcome outcome) {
    ce_pool_counts *counts = &transfer->pool->counts;
    *count_of(counts, outcome) += 1;
    if (transfer->connected) {
        *(transfer->over_kept ? &counts->over_kept : &counts->over_new) += 1;
    }
}

static bool is_sent(const ce_transfer *transfer) {
    return !transfer->deaf && transfer->text_sent == transfer->text_length
        && (!transfer->streams || (transfer->upload_ended && evbuffer_get_length(transfer->upload) == 0));
}

/* Also where the sink cancelled the call with the last piece of content: the connection is as it should be. */
static bool may_be_kept(const ce_transfer *transfer) {
    return transfer->complete && transfer->exact && transfer->parser.response.keeps && is_sent(transfer);
}

static void make_spare(ce_transfer *transfer) {
    ce_pool *pool = transfer->pool;
    if (pool->spare_count >= CE_SPARE_AT_MOST || transfer->text_capacity > CE_SPARE_TEXT_BYTES) {
        ce_transfer_release(transfer);
        return;
    }
    TAILQ_INSERT_HEAD(&pool->spare, transfer, next);
    pool->spare_count += 1;
}

void ce_transfer_end(ce_transfer *transfer, ce_outcome outcome, const char *reason) {
    ce_pool *pool = transfer->pool;
    count_end(transfer, outcome);
    if (transfer->stage == CE_STAGE_ENDING) {
        TAILQ_REMOVE(&pool->ending, transfer, next);
    }
    ce_turn_leave(&pool->loop->turns, &transfer->turn);
    ce_transfer_leave(transfer, may_be_kept(transfer));
    transfer->stage = CE_STAGE_ENDING;
    transfer->due_ms = 0;
    if (transfer->origin != NULL) {
        transfer->origin->entry.uses -= 1;
        transfer->origin = NULL;
    }
    if (transfer->streams) {
        evbuffer_drain(transfer->upload, evbuffer_get_length(transfer->upload));
    }
    free(transfer->held);
    transfer->held = NULL;
    /* A spare transfer must not keep the last one's token. */
    if (transfer->text != NULL) {
        explicit_bzero(transfer->text, transfer->text_length);
    }
    transfer->events->done(transfer->context, outcome, reason);
    make_spare(transfer);
}

void ce_transfer_release(ce_transfer *transfer) {
    event_free(transfer->limit);
    if (transfer->upload != NULL) {
        evbuffer_free(transfer->upload);
    }
    parser_free_lines(&transfer->parser.lines);
    free(transfer->text);
    free(transfer);
}
