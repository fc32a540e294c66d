#define _GNU_SOURCE
#include "origins.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *authority_of(const char *url) {
    const char *colon = strstr(url, "://");
    return colon != NULL ? colon + 3 : NULL;
}

size_t ce_origin_length(const char *url) {
    const char *authority = authority_of(url);
    return authority != NULL ? (size_t)(authority - url) + strcspn(authority, "/?#") : strlen(url);
}

/* Where the host of an authority ends; NULL unless a host and perhaps a port are all of it. User information is not for us, and
 * with other bytes (`host\@other`) readers differ in where the host is. */
static const char *end_of_host(const char *authority, const char *end) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    bool bracketed = authority[0] == '[';
    const char *host_end =
        authority + (bracketed ? 1 + strspn(authority + 1, "0123456789abcdefABCDEF:.") : strspn(authority, letters));
    const char *port = bracketed && *host_end == ']' ? host_end + 1 : host_end;
    bool empty = host_end == authority + bracketed;
    bool too_long = host_end - authority > CE_HOST_BYTES;
    bool closed = bracketed == (*host_end == ']');
    size_t digits = *port == ':' ? strspn(port + 1, "0123456789") : 0;
    bool has_port = digits > 0 && digits <= 5 && digits == (size_t)(end - port - 1);
    return !empty && !too_long && closed && (port == end || has_port) ? host_end : NULL;
}

ce_origin *ce_origin_new(const char *url) {
    const char *authority = authority_of(url);
    bool tls = strncasecmp(url, "https://", 8) == 0;
    if (authority == NULL || (!tls && strncasecmp(url, "http://", 7) != 0)) {
        return NULL;
    }
    const char *end = url + ce_origin_length(url);
    const char *host = authority[0] == '[' ? authority + 1 : authority;
    const char *host_end = end_of_host(authority, end);
    if (host_end == NULL) {
        return NULL;
    }
    const char *colon = memchr(host_end, ':', (size_t)(end - host_end));
    const char *own_port = tls ? "443" : "80";
    ce_origin *origin = calloc(1, sizeof *origin);
    if (origin == NULL) {
        abort();
    }
    origin->entry.key = strndup(url, (size_t)(end - url));
    origin->entry.key_length = (size_t)(end - url);
    origin->host = strndup(host, (size_t)(host_end - host));
    origin->port = colon != NULL ? strndup(colon + 1, (size_t)(end - colon - 1)) : strdup(own_port);
    origin->tls = tls;
    TAILQ_INIT(&origin->kept);
    /* RFC 9110 4.2.3: without the scheme's own port. */
    const char *host_field_end = colon != NULL && strcmp(origin->port, own_port) == 0 ? colon : end;
    int length = asprintf(&origin->host_line, "Host: %.*s\r\n", (int)(host_field_end - authority), authority);
    if (origin->entry.key == NULL || origin->host == NULL || origin->port == NULL || length < 0) {
        abort();
    }
    origin->host_line_length = (size_t)length;
    ce_ip address;
    origin->numeric = ce_ip_read(origin->host, &address);
    /* In brackets stands an address of IPv6, and nothing else (RFC 3986 3.2.2). */
    if (authority[0] == '[' && (!origin->numeric || strchr(origin->host, ':') == NULL)) {
        ce_origin_free(origin);
        return NULL;
    }
    return origin;
}

void ce_origin_free(ce_origin *origin) {
    free(origin->entry.key);
    free(origin->host);
    free(origin->port);
    free(origin->host_line);
    free(origin);
}
