/* libFuzzer on the PROXY protocol's header: however it is cut into pieces, the same comes out, and no byte behind it is taken. */
#include "CEvent.h"
#include "record.h"

typedef struct outcome {
    ce_proxy_event event;
    size_t consumed;
    bool has_source;
    ce_ip source;
    uint16_t port;
} outcome;

/* A copy of its own size, so that ASan sees a read past it. */
static ce_proxy_event feed_piece(ce_proxy_header *header, const uint8_t *from, size_t count, size_t *consumed) {
    uint8_t *piece = copy_of(from, count);
    ce_proxy_event event = ce_proxy_header_feed(header, piece, count, consumed);
    free(piece);
    HOLDS(*consumed <= count);
    HOLDS(event != CE_PROXY_MORE || *consumed == count);
    return event;
}

/* `step` 0: in one piece. */
static outcome run(const uint8_t *bytes, size_t count, size_t step) {
    ce_proxy_header header = { 0 };
    outcome result = { .event = CE_PROXY_MORE };
    for (size_t at = 0; result.event == CE_PROXY_MORE && at < count;) {
        size_t take = step == 0 || step > count - at ? count - at : step, consumed = 0;
        result.event = feed_piece(&header, bytes + at, take, &consumed);
        at += consumed;
        result.consumed = at;
    }
    size_t more = 0;
    if (result.event != CE_PROXY_MORE) {
        HOLDS(ce_proxy_header_feed(&header, bytes, count, &more) == result.event && more == 0);
        HOLDS(result.event != CE_PROXY_REFUSED || (!header.has_source && header.reason != NULL));
    }
    result.has_source = result.event == CE_PROXY_DONE && header.has_source;
    result.source = header.source;
    result.port = header.source_port;
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    outcome whole = run(data + 1, size - 1, 0);
    HOLDS(whole.consumed <= 16 + CE_PROXY_BLOCK_BYTES);
    if (whole.has_source) {
        char text[46];
        ce_ip again;
        ce_ip_text(whole.source, text);
        HOLDS(ce_ip_read(text, &again) && again.high == whole.source.high && again.low == whole.source.low);
    }
    size_t steps[] = { 1, 2, 3, 7, 1 + data[0] };
    for (size_t at = 0; at < sizeof steps / sizeof *steps; at++) {
        outcome split = run(data + 1, size - 1, steps[at]);
        HOLDS(split.event == whole.event && split.consumed == whole.consumed && split.has_source == whole.has_source);
        HOLDS(!whole.has_source || (split.source.low == whole.source.low && split.source.high == whole.source.high));
        HOLDS(!whole.has_source || split.port == whole.port);
    }
    return 0;
}
