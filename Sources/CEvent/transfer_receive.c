/* The response as it comes in: read into the pool's one buffer, parsed there, and given on as spans of it. */
#include "transfer.h"

#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Pieces of content up to this size are moved together, so that chunks of a byte each cost what bytes cost. */
enum { CE_JOINED_BYTES = 4096 };
enum { CE_READS_A_TURN = 2 };

/* A block of what was received. Content that is parsed but not given on stands at `content`; from `at` on nothing is parsed yet. */
typedef struct ce_block {
    uint8_t *bytes;
    size_t count, at;
    size_t content, content_length;
} ce_block;

/* False: the sink wants nothing now. */
static bool give(ce_transfer *transfer, ce_block *block) {
    if (block->content_length == 0) {
        return true;
    }
    if (!transfer->events->body(transfer->context, block->bytes + block->content, block->content_length)) {
        transfer->paused = true;
        if (transfer->goes_to < 0) {
            transfer->read_size = CE_FIRST_READ_BYTES;
        }
        return false;
    }
    transfer->received += block->content_length;
    transfer->pool->counts.received_bytes += block->content_length;
    block->content_length = 0;
    return true;
}

/* Keeps the bytes that the sink did not want, and those after them. The block may be the one that was held before. */
static ce_step hold(ce_transfer *transfer, const ce_block *block) {
    size_t rest = block->count - block->at;
    uint8_t *held = malloc(block->content_length + rest + 1);
    if (held == NULL) {
        abort();
    }
    memcpy(held, block->bytes + block->content, block->content_length);
    memcpy(held + block->content_length, block->bytes + block->at, rest);
    free(transfer->held);
    transfer->held = held;
    transfer->held_content = block->content_length;
    transfer->held_length = block->content_length + rest;
    return CE_STEP_GOES_ON;
}

static void take_head(ce_transfer *transfer) {
    const ce_response *response = ce_response_parsed(&transfer->parser);
    transfer->stage = CE_STAGE_RECEIVING;
    transfer->events->head(transfer->context, response->status, &response->head);
}

/* Adds a piece of content to what is to be given on. False: the sink wants nothing now, and the piece is in the block. */
static bool add(ce_transfer *transfer, ce_block *block, size_t from, size_t count) {
    bool joins = block->content_length > 0 && count <= CE_JOINED_BYTES;
    if (joins) {
        /* Chunk-size lines stand between them, so there is room. */
        memmove(block->bytes + block->content + block->content_length, block->bytes + from, count);
        block->content_length += count;
        return true;
    }
    if (!give(transfer, block)) {
        /* So small a piece is moved, too, that there is one piece to be held. */
        memmove(block->bytes + block->content + block->content_length, block->bytes + from, count);
        block->content_length += count;
        return false;
    }
    block->content = from;
    block->content_length = count;
    return true;
}

static ce_step end_response(ce_transfer *transfer, ce_block *block) {
    transfer->complete = true;
    transfer->exact = block->at == block->count;
    block->at = block->count;
    if (!give(transfer, block)) {
        return hold(transfer, block);
    }
    return transfer->stage == CE_STAGE_ENDING ? CE_STEP_ENDED : CE_STEP_WHOLE;
}

static ce_step refuse(ce_transfer *transfer, ce_block *block) {
    give(transfer, block);
    ce_transfer_fail(transfer, CE_OUTCOME_BROKEN, ce_response_fault(&transfer->parser).reason);
    return CE_STEP_ENDED;
}

static ce_step parse(ce_transfer *transfer, ce_block *block) {
    for (;;) {
        size_t consumed;
        size_t from = block->at;
        ce_response_event event =
            ce_response_feed(&transfer->parser, block->bytes + from, block->count - from, &consumed);
        block->at += consumed;
        ce_span content;
        switch (event) {
        case CE_RESPONSE_HEAD:
            take_head(transfer);
            break;
        case CE_RESPONSE_CONTENT:
            content = ce_response_content(&transfer->parser);
            if (!add(transfer, block, from + content.offset, content.length)) {
                return hold(transfer, block);
            }
            break;
        case CE_RESPONSE_MORE:
            if (!give(transfer, block)) {
                return hold(transfer, block);
            }
            return transfer->stage == CE_STAGE_ENDING ? CE_STEP_ENDED : CE_STEP_GOES_ON;
        case CE_RESPONSE_END:
            return end_response(transfer, block);
        case CE_RESPONSE_FAULTY:
            return refuse(transfer, block);
        }
        if (transfer->stage == CE_STAGE_ENDING) {
            return CE_STEP_ENDED;
        }
    }
}

/* Goes on with what was held: its content, then the rest. */
static ce_step parse_held(ce_transfer *transfer) {
    ce_block block = { .bytes = transfer->held,
                       .count = transfer->held_length,
                       .at = transfer->held_content,
                       .content = 0,
                       .content_length = transfer->held_content };
    if (!give(transfer, &block)) {
        return CE_STEP_GOES_ON;
    }
    if (transfer->stage == CE_STAGE_ENDING) {
        return CE_STEP_ENDED;
    }
    uint8_t *held = transfer->held;
    ce_step step = transfer->complete ? CE_STEP_WHOLE : parse(transfer, &block);
    /* It is another block if some of it was held again. */
    if (transfer->held == held) {
        free(held);
        transfer->held = NULL;
    }
    return step;
}

static ce_step input_ended(ce_transfer *transfer, bool in_order) {
    bool over = in_order && ce_response_input_ended(&transfer->parser) == CE_RESPONSE_END;
    transfer->complete = over;
    return over ? CE_STEP_WHOLE : CE_STEP_LOST;
}

/* How many bytes a socket takes before it is full, about. What it counts of its memory is up to twice the bytes in it. */
static size_t room_of(int socket) {
    uint32_t memory[SK_MEMINFO_VARS];
    socklen_t size = sizeof memory;
    if (getsockopt(socket, SOL_SOCKET, SO_MEMINFO, memory, &size) != 0 || size < sizeof memory) {
        return 0;
    }
    uint32_t bound = memory[SK_MEMINFO_SNDBUF], used = memory[SK_MEMINFO_WMEM_QUEUED];
    return bound > used ? (bound - used) / 2 : 0;
}

/* A large read that finds the socket full would be held for as long as its client reads nothing. */
static size_t next_size(const ce_transfer *transfer) {
    size_t size = transfer->read_size;
    if (size > CE_FIRST_READ_BYTES && transfer->goes_to >= 0) {
        size_t room = room_of(transfer->goes_to);
        while (size > CE_FIRST_READ_BYTES && size > room) {
            size /= 2;
        }
    }
    return size;
}

ce_step ce_transfer_receive(ce_transfer *transfer) {
    ce_channel *channel = &transfer->upstream->channel;
    if (transfer->held != NULL) {
        ce_step step = parse_held(transfer);
        if (step != CE_STEP_GOES_ON || transfer->paused) {
            return step;
        }
    }
    ce_channel_begin_turn(channel);
    for (int reads = 0; reads < CE_READS_A_TURN; reads += 1) {
        size_t size = next_size(transfer);
        ssize_t count = ce_channel_read(channel, transfer->pool->buffer, size);
        if (count == CE_CHANNEL_LATER) {
            bool is_over = transfer->stale || (transfer->deaf && !ce_response_has_begun(&transfer->parser));
            return is_over ? CE_STEP_LOST : CE_STEP_GOES_ON;
        }
        if (count == CE_CHANNEL_BLOCKED) {
            ce_upstream_set_reading(transfer->upstream, false);
            ce_upstream_want_write(transfer->upstream, false);
            return CE_STEP_GOES_ON;
        }
        if (count <= 0) {
            return input_ended(transfer, count == CE_CHANNEL_END);
        }
        ce_block block = { .bytes = transfer->pool->buffer, .count = (size_t)count };
        ce_step step = parse(transfer, &block);
        if (step != CE_STEP_GOES_ON || transfer->paused) {
            return step;
        }
        if ((size_t)count == size && size < CE_BUFFER_BYTES) {
            transfer->read_size = 2 * size;
        }
    }
    if (channel->has_more) {
        ce_upstream_read_again(transfer->upstream);
    }
    return CE_STEP_GOES_ON;
}
