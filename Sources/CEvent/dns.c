/* Names are looked up by evdns and handed to libcurl, whose own resolver would start a thread. */
#define _GNU_SOURCE
#include "loop.h"
#include "pool.h"

#include <event2/util.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Known addresses are looked up anew after the first time, and serve meanwhile until the second has passed too. */
enum { CE_ADDRESSES_KEPT_MS = 60 * 1000, CE_ADDRESSES_SERVE_MS = 15 * 60 * 1000, CE_ADDRESSES_AT_MOST = 16 };

int64_t ce_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_numeric(const char *host) {
    unsigned char address[16];
    return evutil_inet_pton(AF_INET, host, address) == 1 || evutil_inet_pton(AF_INET6, host, address) == 1;
}

static void name_free(ce_name *name) {
    curl_url_cleanup(name->url);
    curl_slist_free_all(name->addresses);
    free(name->origin);
    free(name->host);
    free(name->port);
    free(name->host_line);
    free(name->loaded);
    free(name);
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
    bool closed = bracketed == (*host_end == ']');
    bool has_port = *port == ':' && end > port + 1 && strspn(port + 1, "0123456789") == (size_t)(end - port - 1);
    return !empty && closed && (port == end || has_port) ? host_end : NULL;
}

/* Splits `https://host:port/…`. */
static ce_name *parse_origin(ce_pool *pool, const char *url) {
    const char *authority = strstr(url, "://");
    if (authority == NULL) {
        return NULL;
    }
    authority += 3;
    const char *end = authority + strcspn(authority, "/?#");
    const char *host = authority[0] == '[' ? authority + 1 : authority;
    const char *host_end = end_of_host(authority, end);
    if (host_end == NULL) {
        return NULL;
    }
    const char *colon = memchr(host_end, ':', (size_t)(end - host_end));
    const char *own_port = strncasecmp(url, "https:", 6) == 0 ? "443" : "80";
    ce_name *name = calloc(1, sizeof *name);
    if (name == NULL || (name->loaded = calloc(pool->lane_count, sizeof *name->loaded)) == NULL) {
        abort();
    }
    name->origin = strndup(url, (size_t)(end - url));
    name->host = strndup(host, (size_t)(host_end - host));
    name->port = colon != NULL ? strndup(colon + 1, (size_t)(end - colon - 1)) : strdup(own_port);
    name->numeric = is_numeric(name->host);
    name->pool = pool;
    TAILQ_INIT(&name->waiting);
    /* RFC 9110 4.2.3: without the scheme's own port. */
    const char *host_field_end = colon != NULL && strcmp(name->port, own_port) == 0 ? colon : end;
    int made = asprintf(&name->host_line, "Host: %.*s", (int)(host_field_end - authority), authority);
    name->url = curl_url();
    if (made < 0 || name->url == NULL || curl_url_set(name->url, CURLUPART_URL, name->origin, 0) != CURLUE_OK) {
        name_free(name);
        return NULL;
    }
    return name;
}

ce_name *ce_name_for(ce_pool *pool, const char *url) {
    ce_name *name;
    TAILQ_FOREACH(name, &pool->names, next) {
        size_t length = strlen(name->origin);
        if (strncmp(name->origin, url, length) == 0 && strchr("/?#", url[length]) != NULL) {
            return name;
        }
    }
    name = parse_origin(pool, url);
    if (name != NULL) {
        TAILQ_INSERT_TAIL(&pool->names, name, next);
    }
    return name;
}

/* The form that CURLOPT_RESOLVE takes: host:port:address,address. */
static struct curl_slist *resolve_line(const ce_name *name, const struct evutil_addrinfo *found) {
    char line[1024];
    int used = snprintf(line, sizeof line, "%s:%s:", name->host, name->port);
    int count = 0;
    for (; found != NULL && count < CE_ADDRESSES_AT_MOST; found = found->ai_next) {
        char text[INET6_ADDRSTRLEN];
        const void *address = found->ai_family == AF_INET6
            ? (const void *)&((struct sockaddr_in6 *)found->ai_addr)->sin6_addr
            : (const void *)&((struct sockaddr_in *)found->ai_addr)->sin_addr;
        if (evutil_inet_ntop(found->ai_family, address, text, sizeof text) == NULL) {
            continue;
        }
        char entry[INET6_ADDRSTRLEN + 4];
        snprintf(entry, sizeof entry, found->ai_family == AF_INET6 ? "%s[%s]" : "%s%s", count > 0 ? "," : "", text);
        if ((size_t)used + strlen(entry) + 1 > sizeof line) {
            break;
        }
        memcpy(line + used, entry, strlen(entry) + 1);
        used += (int)strlen(entry);
        count += 1;
    }
    return count == 0 ? NULL : curl_slist_append(NULL, line);
}

static void on_found(int result, struct evutil_addrinfo *found, void *context) {
    ce_name *name = context;
    name->looking = false;
    if (result == EVUTIL_EAI_CANCEL) {
        return;
    }
    struct curl_slist *line = result == 0 ? resolve_line(name, found) : NULL;
    if (found != NULL) {
        evutil_freeaddrinfo(found);
    }
    if (line != NULL) {
        curl_slist_free_all(name->addresses);
        name->addresses = line;
        memset(name->loaded, 0, name->pool->lane_count * sizeof *name->loaded);
        name->expires_ms = ce_now_ms() + CE_ADDRESSES_KEPT_MS;
    }
    ce_transfer *transfer;
    while ((transfer = TAILQ_FIRST(&name->waiting)) != NULL) {
        TAILQ_REMOVE(&name->waiting, transfer, next);
        if (name->addresses != NULL) {
            /* Addresses that worked a minute ago are better than none when the DNS server is down. */
            ce_transfer_go(transfer);
        } else {
            char reason[320];
            snprintf(reason, sizeof reason, "the name %s could not be resolved: %s", name->host,
                     evutil_gai_strerror(result));
            ce_transfer_fail(transfer, CE_OUTCOME_UNREACHABLE, reason);
        }
    }
}

bool ce_name_ready(ce_name *name, ce_transfer *transfer) {
    int64_t now = ce_now_ms();
    if (name->numeric || (name->addresses != NULL && now < name->expires_ms)) {
        return true;
    }
    /* A silent DNS server is given up later than a call is: who waited for it would never get as far as the old addresses. */
    bool serves = name->addresses != NULL && now < name->expires_ms + CE_ADDRESSES_SERVE_MS;
    if (!serves) {
        TAILQ_INSERT_TAIL(&name->waiting, transfer, next);
    }
    if (!name->looking) {
        name->looking = true;
        struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC,
                                         .ai_socktype = SOCK_STREAM,
                                         .ai_flags = EVUTIL_AI_ADDRCONFIG };
        evdns_getaddrinfo(name->pool->dns, name->host, NULL, &hints, on_found, name);
    }
    return serves;
}

void ce_names_free(ce_pool *pool) {
    ce_name *name;
    while ((name = TAILQ_FIRST(&pool->names)) != NULL) {
        TAILQ_REMOVE(&pool->names, name, next);
        name_free(name);
    }
}
