#define _GNU_SOURCE
#include "proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *printed(const char *form, const char *host, unsigned port) {
    char *text;
    if (asprintf(&text, form, host, port) < 0) {
        abort();
    }
    return text;
}

ce_proxy *ce_proxy_new(const ce_proxy_options *options) {
    ce_proxy *proxy = calloc(1, sizeof *proxy);
    if (proxy == NULL || (proxy->host = strdup(options->host)) == NULL) {
        abort();
    }
    unsigned char address[16];
    bool is_6 = inet_pton(AF_INET6, options->host, address) == 1;
    proxy->numeric = is_6 || inet_pton(AF_INET, options->host, address) == 1;
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)options->port);
    if ((proxy->port = strdup(port)) == NULL) {
        abort();
    }
    proxy->url = printed(is_6 ? "http://[%s]:%u" : "http://%s:%u", options->host, options->port);
    proxy->name = printed(is_6 ? "the proxy [%s]:%u" : "the proxy %s:%u", options->host, options->port);
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
