/* IP addresses and networks as numbers. */
#ifndef CEVENT_CE_IP_H
#define CEVENT_CE_IP_H

#include "ce_types.h"

/* An address of either family. One of IPv4 has the form that IPv6 has for it (RFC 4291 section 2.5.5.2). */
typedef struct ce_ip {
    uint64_t high, low;
} ce_ip;

typedef struct ce_network {
    ce_ip address;
    uint32_t prefix; /* bits, 0 to 128: 96 more than IPv4 counts */
} ce_network;

/* The address of the network with no bit set after the prefix. */
ce_ip ce_network_first(ce_network network);
/* Each network has addresses of its own family only: `::/0` has none of IPv4. */
bool ce_networks_contain(const ce_network *networks, size_t count, ce_ip address);
bool ce_ip_is_v4(ce_ip address);
ce_ip ce_ip_from_v4(const uint8_t bytes[4]);
ce_ip ce_ip_from_v6(const uint8_t bytes[16]);
/* False for anything but an address, such as a name, a zone or a port. */
bool ce_ip_read(const char *text, ce_ip *address);
/* IPv4 with dots, IPv6 as RFC 5952 has it. */
void ce_ip_text(ce_ip address, char text[46]);

#endif
