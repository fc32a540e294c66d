/* Private to CEvent: the two versions of the PROXY protocol's header, a byte at a time. */
#ifndef CE_PROXY_PROTOCOL_PRIVATE_H
#define CE_PROXY_PROTOCOL_PRIVATE_H

#include "ce_proxy_protocol.h"

enum {
    PROXY_BEGINNING,
    PROXY_LINE,
    PROXY_FIXED,
    PROXY_ADDRESSES,
    PROXY_TLV_HEAD,
    PROXY_TLV_VALUE,
    PROXY_CHECKSUM,
    PROXY_IGNORED,
    PROXY_WHOLE,
    PROXY_REFUSED
};

void ce_proxy_take_line(ce_proxy_header *header, uint8_t byte);
void ce_proxy_take_block(ce_proxy_header *header, uint8_t byte);

static inline void ce_proxy_refuse(ce_proxy_header *header, const char *reason) {
    header->state = PROXY_REFUSED;
    header->reason = reason;
}

#endif
