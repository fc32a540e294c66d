/* The PROXY protocol's version 2: a fixed part, addresses, and records of type, length and value. */
#include "proxy_protocol.h"

static const uint8_t signature[] = "\r\n\r\n\0\r\nQUIT\n";

enum { SIGNATURE_BYTES = 12, FIXED_BYTES = 16, TLV_HEAD_BYTES = 3, CHECKSUM_BYTES = 4, TLV_CRC32C = 3 };
enum { FAMILY_UNSPEC = 0, FAMILY_INET = 1, FAMILY_INET6 = 2, FAMILY_UNIX = 3, TRANSPORT_DATAGRAM = 2 };
enum { INET_BYTES = 12, INET6_BYTES = 36, UNIX_BYTES = 216 };

static uint16_t word_at(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* RFC 3720 appendix B.4, reflected, a nibble at a time: headers are short. */
static void add_to_crc(ce_proxy_header *header, uint8_t byte) {
    static const uint32_t table[16] = {
        0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
        0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75,
    };
    header->crc ^= byte;
    header->crc = header->crc >> 4 ^ table[header->crc & 15];
    header->crc = header->crc >> 4 ^ table[header->crc & 15];
}

/* The state after a part of the block. */
static void next_part(ce_proxy_header *header) {
    header->count = 0;
    if (header->rest > 0) {
        header->state = PROXY_TLV_HEAD;
    } else if (header->has_checksum && header->checksum != ~header->crc) {
        ce_proxy_refuse(header, "the checksum is another");
    } else {
        header->state = PROXY_WHOLE;
    }
}

static uint16_t address_bytes(unsigned family) {
    return family == FAMILY_INET ? INET_BYTES : family == FAMILY_INET6 ? INET6_BYTES : UNIX_BYTES;
}

static void fixed_ended(ce_proxy_header *header) {
    unsigned version = header->bytes[12] >> 4, command = header->bytes[12] & 15;
    unsigned family = header->bytes[13] >> 4, transport = header->bytes[13] & 15;
    header->rest = word_at(header->bytes + 14);
    if (version != 2 || command > 1) {
        ce_proxy_refuse(header, "it is of another version than 2, or neither PROXY nor LOCAL");
    } else if (header->rest > CE_PROXY_BLOCK_BYTES) {
        ce_proxy_refuse(header, "it is longer than 4096 bytes");
    } else if (command == 0 || (family == FAMILY_UNSPEC && transport == 0)) {
        /* LOCAL: a load balancer's own check. The block is to be left alone, whatever it holds. */
        header->state = header->rest > 0 ? PROXY_IGNORED : PROXY_WHOLE;
    } else if (family == FAMILY_UNSPEC || family > FAMILY_UNIX || transport == 0 || transport > TRANSPORT_DATAGRAM) {
        ce_proxy_refuse(header, "its family or its transport is not defined");
    } else if (transport == TRANSPORT_DATAGRAM) {
        ce_proxy_refuse(header, "it speaks of datagrams, and this is a connection");
    } else if (header->rest < address_bytes(family)) {
        ce_proxy_refuse(header, "it is too short for its addresses");
    } else {
        header->value = address_bytes(family);
        header->state = PROXY_ADDRESSES;
        header->bytes[0] = (uint8_t)family;
        header->count = 1;
    }
}

static void take_fixed(ce_proxy_header *header, uint8_t byte) {
    size_t at = header->count;
    header->bytes[header->count++] = byte;
    if (at < SIGNATURE_BYTES && byte != signature[at]) {
        ce_proxy_refuse(header, "it does not begin as the PROXY protocol does");
    } else if (header->count == FIXED_BYTES) {
        fixed_ended(header);
    }
}

static void addresses_ended(ce_proxy_header *header) {
    const uint8_t *family = header->bytes, *addresses = header->bytes + 1;
    if (*family == FAMILY_INET) {
        header->source = ce_ip_from_v4(addresses);
        header->source_port = word_at(addresses + 8);
        header->has_source = true;
    } else if (*family == FAMILY_INET6) {
        header->source = ce_ip_from_v6(addresses);
        header->source_port = word_at(addresses + 32);
        header->has_source = true;
    }
    next_part(header);
}

static void take_addresses(ce_proxy_header *header, uint8_t byte) {
    /* Of a Unix socket's, which are the longest, none is needed. */
    if (header->bytes[0] != FAMILY_UNIX) {
        header->bytes[header->count++] = byte;
    }
    header->value -= 1;
    if (header->value == 0) {
        addresses_ended(header);
    }
}

static void take_tlv_head(ce_proxy_header *header, uint8_t byte) {
    header->bytes[header->count++] = byte;
    if (header->count < TLV_HEAD_BYTES) {
        if (header->rest == 0) {
            ce_proxy_refuse(header, "a record is cut");
        }
        return;
    }
    header->value = word_at(header->bytes + 1);
    header->count = 0;
    if (header->value > header->rest) {
        ce_proxy_refuse(header, "a record is longer than the header");
    } else if (header->bytes[0] != TLV_CRC32C) {
        header->state = PROXY_TLV_VALUE;
        if (header->value == 0) {
            next_part(header);
        }
    } else if (header->value != CHECKSUM_BYTES || header->has_checksum) {
        ce_proxy_refuse(header, "it has two checksums, or one that is not of 4 bytes");
    } else {
        header->state = PROXY_CHECKSUM;
    }
}

static void take_value(ce_proxy_header *header, uint8_t byte) {
    header->value -= 1;
    if (header->state == PROXY_CHECKSUM) {
        header->checksum = header->checksum << 8 | byte;
        header->has_checksum = true;
    }
    if (header->value == 0) {
        next_part(header);
    }
}

/* A byte after the first 16. */
static void take_rest(ce_proxy_header *header, uint8_t byte) {
    header->rest -= 1;
    /* It is computed with zeros in its own place. */
    add_to_crc(header, header->state == PROXY_CHECKSUM ? 0 : byte);
    switch (header->state) {
    case PROXY_ADDRESSES:
        take_addresses(header, byte);
        break;
    case PROXY_TLV_HEAD:
        take_tlv_head(header, byte);
        break;
    case PROXY_IGNORED:
        if (header->rest == 0) {
            header->state = PROXY_WHOLE;
        }
        break;
    default:
        take_value(header, byte);
    }
}

void ce_proxy_take_block(ce_proxy_header *header, uint8_t byte) {
    if (header->state == PROXY_FIXED) {
        add_to_crc(header, byte);
        take_fixed(header, byte);
    } else {
        take_rest(header, byte);
    }
}
