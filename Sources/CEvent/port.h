/* Private to CEvent: addresses to listen on. */
#ifndef CE_PORT_H
#define CE_PORT_H

#include "CEvent.h"

#include <netdb.h>

/* To be freed with freeaddrinfo; NULL and a reason for what is not an address. */
struct addrinfo *ce_port_address(const char *address, uint16_t port, ce_error *error);
/* An address of IPv6 that stands for every address stands for those of IPv4 too, whatever the system's default is. To be called before bind. */
bool ce_port_take_both(int fd, const struct sockaddr *address);
/* Says why an address cannot be listened on. */
void ce_port_refused(const char *address, uint16_t port, int reason, ce_error *error);
uint16_t ce_port_of(int fd);

#endif
