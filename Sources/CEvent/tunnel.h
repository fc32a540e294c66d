/* Private to CEvent: a tunnel through a proxy (RFC 9110 9.3.6). libcurl connects to the proxy; CONNECT and its response are ours, since
 * libcurl 7.88 reads that response byte by byte and lets a proxy hold the loop for as long as it sends. Then libcurl gets the socket as one
 * that is connected already, for TLS and all that follows. */
#ifndef CE_TUNNEL_H
#define CE_TUNNEL_H

#include "proxy.h"

#include <event2/event.h>

typedef enum ce_tunnel_state {
    CE_TUNNEL_DIALLING, /* there is no connection to the proxy yet */
    CE_TUNNEL_ASKING,
    CE_TUNNEL_OPEN,
} ce_tunnel_state;

typedef struct ce_tunnel ce_tunnel;

/* To an origin. Copies what it needs of either. */
ce_tunnel *ce_tunnel_new(const ce_proxy *proxy, const ce_origin *origin);
void ce_tunnel_free(ce_tunnel *tunnel);
ce_tunnel_state ce_tunnel_state_of(const ce_tunnel *tunnel);
const char *ce_tunnel_proxy_url(const ce_tunnel *tunnel);
/* As CURLOPT_CONNECT_TO takes it: an address of the socket's family, so that libcurl asks for none. It gets a socket that is connected. */
const char *ce_tunnel_connect_to(const ce_tunnel *tunnel);

/* Asks the proxy over `fd`, which is the tunnel's from now on. `answered` comes once, never before this returns, and may free the tunnel:
 * with CE_OUTCOME_COMPLETE it is open; else the sentence is valid until the tunnel is freed. */
void ce_tunnel_ask(ce_tunnel *tunnel, struct event_base *base, int fd,
                   void (*answered)(void *context, ce_outcome outcome, const char *reason), void *context);
/* The socket of an open tunnel, once; -1 after that. */
int ce_tunnel_take_socket(ce_tunnel *tunnel);

/* Sentences, valid until the next one or until the tunnel is freed: it could not be reached, and why; a time limit passed; what is wrong
 * behind the proxy. */
const char *ce_tunnel_unreached(ce_tunnel *tunnel, const char *reason);
const char *ce_tunnel_overdue(ce_tunnel *tunnel);
const char *ce_tunnel_behind(ce_tunnel *tunnel, const char *reason);

#endif
