/* Private to CEvent: the proxy that connections to other servers go through, and which of them do. */
#ifndef CE_PROXY_H
#define CE_PROXY_H

#include "CEvent.h"
#include "origins.h"

typedef struct ce_proxy {
    char *host, *port;
    char *url;           /* what libcurl connects to */
    char *name;          /* for sentences: `the proxy proxy.test:3128` */
    char *authorization; /* NULL, or the value of Proxy-Authorization */
    bool numeric;        /* nothing to look up */
    bool (*serves)(void *context, const char *host, uint16_t port, bool tls);
    void *context;
} ce_proxy;

/* Copies all of `options` but the context. */
ce_proxy *ce_proxy_new(const ce_proxy_options *options);
void ce_proxy_free(ce_proxy *proxy);
bool ce_proxy_serves(const ce_proxy *proxy, const ce_origin *origin);

#endif
