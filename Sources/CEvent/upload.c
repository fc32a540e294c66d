/* A streamed request body: the caller queues bytes, libcurl takes them when the other side does. */
#include "pool.h"

#include <stdlib.h>

enum { CE_UPLOAD_LOW = 64 * 1024 };

void ce_transfer_apply_pauses(ce_transfer *transfer) {
    if (transfer->added && transfer->stage != CE_STAGE_ENDING) {
        curl_easy_pause(transfer->easy,
                        (transfer->paused ? CURLPAUSE_RECV : 0) | (transfer->upload_starved ? CURLPAUSE_SEND : 0));
    }
}

size_t ce_transfer_read(char *into, size_t size, size_t count, void *context) {
    ce_transfer *transfer = context;
    size_t waiting = evbuffer_get_length(transfer->upload);
    if (waiting == 0) {
        if (transfer->upload_ended) {
            return 0;
        }
        transfer->upload_starved = true;
        return CURL_READFUNC_PAUSE;
    }
    int taken = evbuffer_remove(transfer->upload, into, size * count);
    if (taken <= 0) {
        return CURL_READFUNC_ABORT;
    }
    transfer->sent += (uint64_t)taken;
    transfer->pool->counts.sent_bytes += (uint64_t)taken;
    size_t left = waiting - (size_t)taken;
    if (waiting > CE_UPLOAD_LOW && left <= CE_UPLOAD_LOW) {
        transfer->events->sendable(transfer->context);
    }
    return (size_t)taken;
}

static void feed(ce_transfer *transfer) {
    if (transfer->upload_starved) {
        transfer->upload_starved = false;
        ce_transfer_apply_pauses(transfer);
    }
}

size_t ce_transfer_send(ce_transfer *transfer, const uint8_t *bytes, size_t count) {
    if (transfer->stage == CE_STAGE_ENDING || !transfer->streams) {
        return 0;
    }
    if (evbuffer_add(transfer->upload, bytes, count) != 0) {
        abort();
    }
    feed(transfer);
    return evbuffer_get_length(transfer->upload);
}

void ce_transfer_send_end(ce_transfer *transfer) {
    if (transfer->stage == CE_STAGE_ENDING || !transfer->streams) {
        return;
    }
    transfer->upload_ended = true;
    feed(transfer);
}
