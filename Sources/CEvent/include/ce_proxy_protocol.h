/* The PROXY protocol, versions 1 and 2 (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt): a header by which a load balancer names
 * its client's address before the client's first byte. Values in and out, no I/O. */
#ifndef CEVENT_CE_PROXY_PROTOCOL_H
#define CEVENT_CE_PROXY_PROTOCOL_H

#include "ce_ip.h"

enum {
    CE_PROXY_LINE_BYTES = 107, /* version 1: the longest line, with its end */
    CE_PROXY_BLOCK_BYTES =
        4096, /* version 2: the longest accepted block after the first 16 bytes, which may have 65,535 */
};

typedef enum ce_proxy_event {
    CE_PROXY_MORE,    /* all bytes are read, and the header goes on */
    CE_PROXY_DONE,    /* the header is whole; what follows is the client's */
    CE_PROXY_REFUSED, /* no header; so are all bytes from here on */
} ce_proxy_event;

typedef struct ce_proxy_header {
    bool has_source; /* false in a whole header: UNKNOWN, LOCAL or UNSPEC; the client is the peer */
    ce_ip source;
    uint16_t source_port;
    const char *reason; /* of a refusal: a sentence without a full stop */

    /* The reader's own. */
    uint8_t state;
    uint8_t bytes[CE_PROXY_LINE_BYTES];
    uint16_t count, rest, value;
    uint32_t crc, checksum;
    bool has_checksum;
} ce_proxy_header;

/* To be called with a header that is all zeros at first, and then with what came since. `consumed`: how many of these bytes are the
 * header's. */
ce_proxy_event ce_proxy_header_feed(ce_proxy_header *header, const uint8_t *bytes, size_t count, size_t *consumed);

#endif
