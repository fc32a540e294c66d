/* Private to CEvent: addresses to listen on. */
#ifndef CE_PORT_H
#define CE_PORT_H

#include "CEvent.h"

#include <netdb.h>

/* To be freed with freeaddrinfo; NULL and a reason for what is not an address. */
struct addrinfo *ce_port_address(const char *address, uint16_t port, ce_error *error);
/* A socket bound to the address, closed on exec and not blocking; -1 and errno where it cannot be. `shared`: others may bind the same. */
int ce_port_bind(const struct addrinfo *target, bool shared);
/* Says why an address cannot be listened on. */
void ce_port_refused(const char *address, uint16_t port, int reason, ce_error *error);
uint16_t ce_port_of(int fd);

#endif
