#include "ce_ip.h"

#include <arpa/inet.h>
#include <string.h>

static const uint64_t v4_low = 0xFFFF00000000u;

static uint64_t number(const uint8_t *bytes, size_t count) {
    uint64_t value = 0;
    for (size_t at = 0; at < count; at += 1) {
        value = value << 8 | bytes[at];
    }
    return value;
}

bool ce_ip_is_v4(ce_ip address) {
    return address.high == 0 && address.low >> 32 == 0xFFFF;
}

ce_ip ce_ip_from_v4(const uint8_t bytes[4]) {
    return (ce_ip){ .high = 0, .low = v4_low | number(bytes, 4) };
}

ce_ip ce_ip_from_v6(const uint8_t bytes[16]) {
    return (ce_ip){ .high = number(bytes, 8), .low = number(bytes + 8, 8) };
}

bool ce_ip_read(const char *text, ce_ip *address) {
    uint8_t bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1) {
        *address = ce_ip_from_v4(bytes);
        return true;
    }
    if (inet_pton(AF_INET6, text, bytes) == 1) {
        *address = ce_ip_from_v6(bytes);
        return true;
    }
    return false;
}

void ce_ip_text(ce_ip address, char text[46]) {
    uint8_t bytes[16];
    for (size_t at = 0; at < 8; at += 1) {
        bytes[at] = (uint8_t)(address.high >> (56 - 8 * at));
        bytes[8 + at] = (uint8_t)(address.low >> (56 - 8 * at));
    }
    bool is_v4 = ce_ip_is_v4(address);
    if (inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? bytes + 12 : bytes, text, 46) == NULL) {
        text[0] = '\0';
    }
}

/* The first `prefix` bits of 64. */
static uint64_t mask(uint32_t prefix) {
    return prefix == 0 ? 0 : prefix >= 64 ? UINT64_MAX : UINT64_MAX << (64 - prefix);
}

ce_ip ce_network_first(ce_network network) {
    uint64_t high = mask(network.prefix), low = network.prefix <= 64 ? 0 : mask(network.prefix - 64);
    return (ce_ip){ .high = network.address.high & high, .low = network.address.low & low };
}

/* The form that IPv6 has for IPv4 lies in `::/80`, which is no network of IPv4 for that. */
static bool contains(const ce_network *network, ce_ip address) {
    ce_ip first = ce_network_first(*network);
    ce_ip other = ce_network_first((ce_network){ .address = address, .prefix = network->prefix });
    return first.high == other.high && first.low == other.low && ce_ip_is_v4(network->address) == ce_ip_is_v4(address);
}

bool ce_networks_contain(const ce_network *networks, size_t count, ce_ip address) {
    size_t at = 0;
    while (at < count && !contains(&networks[at], address)) {
        at += 1;
    }
    return at < count;
}
