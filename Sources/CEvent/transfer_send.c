/* The request on its way out: its text in one write, then what the caller queues of a streamed body, as the other side takes it. */
#include "transfer.h"

#include <stdlib.h>

enum { CE_UPLOAD_LOW = 64 * 1024 };
/* As much of one body is written before others have their turn. */
enum { CE_SEND_TURN_BYTES = 256 * 1024 };
/* Head and body together up to a TLS record. */
enum { CE_JOINED_BYTES = 16 * 1024 };

bool ce_transfer_is_starved(const ce_transfer *transfer) {
    return transfer->streams && !transfer->upload_ended && evbuffer_get_length(transfer->upload) == 0;
}

/* The other side may have answered before it stopped to listen: that is to be read, so the connection is not given up here. */
static void go_deaf(ce_transfer *transfer) {
    bool untouched = transfer->upstream->channel.written == transfer->written_before;
    transfer->stale = untouched && transfer->over_kept;
    transfer->deaf = !transfer->stale;
    ce_upstream_read_again(transfer->upstream);
}

/* The first bytes of a streamed body leave with the head: one system call and one TLS record instead of two. */
static void join_upload(ce_transfer *transfer) {
    size_t count = transfer->streams ? evbuffer_get_length(transfer->upload) : 0;
    if (transfer->text_sent > 0 || count == 0 || transfer->text_length + count > CE_JOINED_BYTES) {
        return;
    }
    ce_transfer_reserve(transfer, transfer->text_length + count);
    evbuffer_remove(transfer->upload, transfer->text + transfer->text_length, count);
    transfer->text_length += count;
    transfer->sent += count;
}

/* True: all of it has gone. */
static bool write_text(ce_transfer *transfer) {
    join_upload(transfer);
    while (transfer->text_sent < transfer->text_length) {
        ssize_t count = ce_channel_write(&transfer->upstream->channel, (uint8_t *)transfer->text + transfer->text_sent,
                                         transfer->text_length - transfer->text_sent);
        if (count == CE_CHANNEL_LATER) {
            ce_upstream_want_write(transfer->upstream, false);
            return false;
        }
        if (count < 0) {
            go_deaf(transfer);
            return false;
        }
        transfer->text_sent += (size_t)count;
    }
    return true;
}

static void write_upload(ce_transfer *transfer) {
    size_t turn = 0;
    while (evbuffer_get_length(transfer->upload) > 0) {
        struct evbuffer_iovec piece;
        evbuffer_peek(transfer->upload, -1, NULL, &piece, 1);
        ssize_t count = turn < CE_SEND_TURN_BYTES
            ? ce_channel_write(&transfer->upstream->channel, piece.iov_base, piece.iov_len)
            : CE_CHANNEL_LATER;
        if (count == CE_CHANNEL_LATER) {
            ce_upstream_want_write(transfer->upstream, false);
            return;
        }
        if (count < 0) {
            go_deaf(transfer);
            return;
        }
        evbuffer_drain(transfer->upload, (size_t)count);
        transfer->sent += (uint64_t)count;
        turn += (size_t)count;
    }
}

void ce_transfer_write(ce_transfer *transfer) {
    bool has_text_out = !transfer->deaf && !transfer->stale && write_text(transfer);
    if (!transfer->streams) {
        return;
    }
    size_t before = evbuffer_get_length(transfer->upload);
    if (has_text_out) {
        write_upload(transfer);
    }
    if (transfer->deaf) {
        evbuffer_drain(transfer->upload, evbuffer_get_length(transfer->upload));
    }
    if (before > CE_UPLOAD_LOW && evbuffer_get_length(transfer->upload) <= CE_UPLOAD_LOW) {
        transfer->events->sendable(transfer->context);
    }
}

/* What is queued goes out in the next turn, together with what else is queued until then. */
static void write_soon(ce_transfer *transfer) {
    if (transfer->upstream != NULL && transfer->upstream->state == CE_UPSTREAM_BUSY) {
        ce_upstream_want_write(transfer->upstream, true);
    }
}

static void queue(ce_transfer *transfer, const void *bytes, size_t count) {
    if (evbuffer_add(transfer->upload, bytes, count) != 0) {
        abort();
    }
}

size_t ce_transfer_send(ce_transfer *transfer, const uint8_t *bytes, size_t count) {
    if (transfer->stage == CE_STAGE_ENDING || !transfer->streams || transfer->upload_ended) {
        return 0;
    }
    /* Never more than was announced: the other side would take it for a request. */
    if (!transfer->chunked && count > transfer->announced_left) {
        count = (size_t)transfer->announced_left;
    }
    if (transfer->deaf || count == 0) {
        return transfer->deaf ? 0 : evbuffer_get_length(transfer->upload);
    }
    if (transfer->chunked) {
        evbuffer_add_printf(transfer->upload, "%zx\r\n", count);
        queue(transfer, bytes, count);
        queue(transfer, "\r\n", 2);
    } else {
        queue(transfer, bytes, count);
        transfer->announced_left -= count;
    }
    transfer->pool->counts.sent_bytes += count;
    write_soon(transfer);
    return evbuffer_get_length(transfer->upload);
}

void ce_transfer_send_end(ce_transfer *transfer) {
    if (transfer->stage == CE_STAGE_ENDING || !transfer->streams || transfer->upload_ended) {
        return;
    }
    if (transfer->announced_left > 0 && !transfer->deaf) {
        ce_transfer_fail(transfer, CE_OUTCOME_BROKEN, "the request's body was shorter than announced");
        return;
    }
    transfer->upload_ended = true;
    if (transfer->chunked && !transfer->deaf) {
        queue(transfer, "0\r\n\r\n", 5);
        write_soon(transfer);
    }
}
