/* The PROXY protocol's reader. A byte at a time, so that it makes no difference how a header is cut into pieces. Strict: a load balancer writes
 * exactly one form, and anything else is not from one. */
#include "proxy_protocol.h"

static void take(ce_proxy_header *header, uint8_t byte) {
    if (header->state == PROXY_BEGINNING) {
        header->crc = UINT32_MAX;
        header->state = byte == '\r' ? PROXY_FIXED : PROXY_LINE;
    }
    if (header->state == PROXY_LINE) {
        ce_proxy_take_line(header, byte);
    } else {
        ce_proxy_take_block(header, byte);
    }
}

ce_proxy_event ce_proxy_header_feed(ce_proxy_header *header, const uint8_t *bytes, size_t count, size_t *consumed) {
    size_t at = 0;
    while (at < count && header->state != PROXY_WHOLE && header->state != PROXY_REFUSED) {
        take(header, bytes[at]);
        at += 1;
    }
    *consumed = at;
    if (header->state == PROXY_REFUSED) {
        header->has_source = false;
        return CE_PROXY_REFUSED;
    }
    return header->state == PROXY_WHOLE ? CE_PROXY_DONE : CE_PROXY_MORE;
}
