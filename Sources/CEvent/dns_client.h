/* Private to CEvent: looks up the addresses of hosts. */
#ifndef CE_DNS_CLIENT_H
#define CE_DNS_CLIENT_H

#include "CEvent.h"

#include <ares.h>

typedef struct ce_dns ce_dns;

/* `addresses` is NULL, and `reason` says why, when there are none. The list is the receiver's until it returns. */
typedef void (*ce_on_addresses)(void *context, const struct ares_addrinfo_node *addresses, const char *reason);

/* `server`: `ip` or `ip:port`, or NULL for those of /etc/resolv.conf. */
ce_dns *ce_dns_new(ce_loop *loop, const char *server, ce_error *error);
/* Queries under way end without a callback. */
void ce_dns_free(ce_dns *dns);

/* `found` is called once, after this has returned. */
void ce_dns_find(ce_dns *dns, const char *host, ce_on_addresses found, void *context);

#endif
