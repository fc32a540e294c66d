#define _GNU_SOURCE
#include "proxy.h"
#include "loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ce_proxy *ce_proxy_new(const ce_proxy_options *options) {
    ce_proxy *proxy = calloc(1, sizeof *proxy);
    if (proxy == NULL || (proxy->host = strdup(options->host)) == NULL) {
        abort();
    }
    ce_ip address;
    proxy->numeric = ce_ip_read(options->host, &address);
    bool is_6 = strchr(options->host, ':') != NULL;
    proxy->port = ce_formatted("%u", (unsigned)options->port);
    proxy->url = ce_formatted(is_6 ? "http://[%s]:%u" : "http://%s:%u", options->host, (unsigned)options->port);
    proxy->name = ce_formatted(is_6 ? "the proxy [%s]:%u" : "the proxy %s:%u", options->host, (unsigned)options->port);
    if (options->authorization != NULL && (proxy->authorization = strdup(options->authorization)) == NULL) {
        abort();
    }
    proxy->serves = options->serves;
    proxy->context = options->context;
    return proxy;
}

void ce_proxy_free(ce_proxy *proxy) {
    if (proxy == NULL) {
        return;
    }
    if (proxy->authorization != NULL) {
        explicit_bzero(proxy->authorization, strlen(proxy->authorization));
        free(proxy->authorization);
    }
    free(proxy->host);
    free(proxy->port);
    free(proxy->url);
    free(proxy->name);
    free(proxy);
}

bool ce_proxy_serves(const ce_proxy *proxy, const ce_origin *origin) {
    unsigned long port = strtoul(origin->port, NULL, 10);
    return port > UINT16_MAX || proxy->serves(proxy->context, origin->host, (uint16_t)port, origin->tls);
}
