#include "loop.h"
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* To set one up costs as much as a call. */
enum { CE_SPARE_AT_MOST = 1024 };

void ce_transfer_limit(ce_transfer *transfer, uint32_t milliseconds) {
    struct timeval after = { .tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000 };
    evtimer_add(transfer->limit, &after);
}

void ce_transfer_fail(ce_transfer *transfer, ce_outcome outcome, const char *reason) {
    if (transfer->stage == CE_STAGE_ENDING) {
        return;
    }
    if (transfer->stage == CE_STAGE_NAMING && transfer->name != NULL && transfer->name->looking) {
        TAILQ_REMOVE(&transfer->name->waiting, transfer, next);
    }
    transfer->stage = CE_STAGE_ENDING;
    transfer->outcome = outcome;
    snprintf(transfer->reason, sizeof transfer->reason, "%s", reason);
    TAILQ_INSERT_TAIL(&transfer->pool->ending, transfer, next);
    event_active(transfer->pool->work, EV_TIMEOUT, 0);
}

/* While a streamed body moves, or waits for the client that sends it, the other side cannot be expected to answer. */
static bool is_uploading(const ce_transfer *transfer) {
    return transfer->streams && (transfer->upload_starved || transfer->sent != transfer->sent_at_check);
}

void ce_transfer_on_limit(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_transfer *transfer = context;
    switch (transfer->stage) {
    case CE_STAGE_NAMING: {
        char reason[300];
        snprintf(reason, sizeof reason, "the name %s was not found within the time limit", transfer->name->host);
        ce_transfer_fail(transfer, CE_OUTCOME_UNREACHABLE, reason);
        break;
    }
    case CE_STAGE_CONNECTING:
        ce_transfer_fail(transfer, CE_OUTCOME_UNREACHABLE, "no connection within the time limit");
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
            ce_transfer_fail(transfer, CE_OUTCOME_TOO_SLOW, "the answer stood still for longer than the time limit");
        }
        break;
    case CE_STAGE_ENDING:
        break;
    }
}

ce_transfer *ce_transfer_start(ce_pool *pool, const ce_call *call, const ce_transfer_events *events, void *context) {
    ce_transfer *transfer = TAILQ_FIRST(&pool->spare);
    if (transfer != NULL) {
        TAILQ_REMOVE(&pool->spare, transfer, next);
        pool->spare_count -= 1;
    } else {
        transfer = ce_transfer_new(pool);
    }
    pool->counts.calls += 1;
    pool->counts.sent_bytes += call->body_length;
    transfer->events = events;
    transfer->context = context;
    transfer->name = ce_name_for(pool, call->url);
    const char *fault = ce_transfer_prepare(transfer, call, transfer->name);
    ce_transfer_limit(transfer, call->connect_ms);
    if (fault != NULL) {
        ce_transfer_fail(transfer, CE_OUTCOME_UNREACHABLE, fault);
    } else if (ce_name_ready(transfer->name, transfer)) {
        ce_transfer_go(transfer);
    }
    return transfer;
}

void ce_transfer_go(ce_transfer *transfer) {
    ce_pool *pool = transfer->pool;
    transfer->stage = CE_STAGE_CONNECTING;
    ce_lane *lane = ce_lane_enter(pool);
    bool *loaded = &transfer->name->loaded[lane - pool->lanes];
    if (!*loaded && transfer->name->addresses != NULL) {
        curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE, transfer->name->addresses);
        *loaded = true;
    }
    transfer->lane = lane;
    transfer->added = curl_multi_add_handle(lane->multi, transfer->easy) == CURLM_OK;
    if (!transfer->added) {
        ce_lane_leave(lane);
        ce_transfer_fail(transfer, CE_OUTCOME_UNREACHABLE, "libcurl does not take another call");
        return;
    }
    /* Saves a turn of the loop, and makes libcurl load the addresses before another call can ask for them. */
    int running;
    curl_multi_socket_action(lane->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    event_active(pool->work, EV_TIMEOUT, 0);
}

void ce_transfer_resume(ce_transfer *transfer) {
    if (transfer->paused && transfer->stage == CE_STAGE_RECEIVING) {
        transfer->paused = false;
        ce_transfer_apply_pauses(transfer);
    }
}

void ce_transfer_cancel(ce_transfer *transfer) {
    ce_transfer_fail(transfer, CE_OUTCOME_CANCELLED, "cancelled");
}

static ce_outcome outcome_of(CURLcode result, ce_stage stage) {
    switch (result) {
    case CURLE_OK:
        return CE_OUTCOME_WHOLE;
    case CURLE_COULDNT_CONNECT:
        /* In a later stage too: the second try of a call whose kept connection had closed. */
        return CE_OUTCOME_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return stage <= CE_STAGE_CONNECTING ? CE_OUTCOME_UNREACHABLE : CE_OUTCOME_TOO_SLOW;
    default:
        return stage <= CE_STAGE_CONNECTING ? CE_OUTCOME_UNREACHABLE : CE_OUTCOME_BROKEN;
    }
}

void ce_transfer_finished(ce_transfer *transfer, CURLcode result) {
    if (transfer->stage == CE_STAGE_ENDING) {
        ce_transfer_end(transfer, transfer->outcome, transfer->reason);
        return;
    }
    if (result == CURLE_OK && !transfer->head.complete) {
        /* libcurl takes the end of the connection within a head for the end of an answer without content. */
        ce_transfer_end(transfer, CE_OUTCOME_BROKEN, "it ended before its head");
        return;
    }
    if (result != CURLE_OK && transfer->reason[0] == '\0') {
        const char *words = transfer->curl_reason[0] != '\0' ? transfer->curl_reason : curl_easy_strerror(result);
        snprintf(transfer->reason, sizeof transfer->reason, "%s", words);
    }
    ce_transfer_end(transfer, outcome_of(result, transfer->stage), transfer->reason);
}

static uint64_t *count_of(ce_pool_counts *counts, ce_outcome outcome) {
    switch (outcome) {
    case CE_OUTCOME_WHOLE:
        return &counts->whole;
    case CE_OUTCOME_UNREACHABLE:
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
    if (transfer->attempts > 0) {
        long connects = 0;
        curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
        *(connects > 0 ? &counts->over_new : &counts->over_kept) += 1;
    }
}

void ce_transfer_end(ce_transfer *transfer, ce_outcome outcome, const char *reason) {
    ce_pool *pool = transfer->pool;
    count_end(transfer, outcome);
    if (transfer->stage == CE_STAGE_ENDING) {
        TAILQ_REMOVE(&pool->ending, transfer, next);
    }
    transfer->stage = CE_STAGE_ENDING;
    if (transfer->added) {
        curl_multi_remove_handle(transfer->lane->multi, transfer->easy);
        ce_lane_leave(transfer->lane);
    }
    evtimer_del(transfer->limit);
    evtimer_del(transfer->again);
    if (transfer->streams) {
        evbuffer_drain(transfer->upload, evbuffer_get_length(transfer->upload));
    }
    /* A spare transfer must not keep the last one's token. */
    explicit_bzero(transfer->text, transfer->text_length);
    transfer->events->done(transfer->context, outcome, reason);
    /* libcurl counts the retries of a handle's whole life and gives up at the sixth: one that may have tried again goes. */
    bool unused_retries = outcome == CE_OUTCOME_WHOLE && transfer->attempts <= 1;
    if (unused_retries && pool->spare_count < CE_SPARE_AT_MOST) {
        TAILQ_INSERT_HEAD(&pool->spare, transfer, next);
        pool->spare_count += 1;
    } else {
        ce_transfer_release(transfer);
    }
}

void ce_transfer_release(ce_transfer *transfer) {
    curl_easy_cleanup(transfer->easy);
    event_free(transfer->limit);
    event_free(transfer->again);
    if (transfer->upload != NULL) {
        evbuffer_free(transfer->upload);
    }
    free(transfer->text);
    free(transfer->nodes);
    free(transfer->head.bytes);
    free(transfer);
}
