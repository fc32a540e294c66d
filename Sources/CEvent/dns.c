/* Names are looked up by evdns and handed to libcurl, whose own resolver would start a thread. */
#include "loop.h"
#include "pool.h"

#include <event2/util.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Splits `https://host:port/…`; host and port are copies. */
static ce_name *parse_origin(ce_pool *pool, const char *url) {
    const char *authority = strstr(url, "://");
    if (authority == NULL) {
        return NULL;
    }
    authority += 3;
    size_t length = strcspn(authority, "/?#");
    const char *end = authority + length;
    bool bracketed = authority[0] == '[';
    const char *host = bracketed ? authority + 1 : authority;
    const char *host_end =
        bracketed ? memchr(host, ']', (size_t)(end - host)) : memchr(host, ':', (size_t)(end - host));
    host_end = host_end == NULL ? end : host_end;
    const char *colon = memchr(host_end, ':', (size_t)(end - host_end));
    if (host == host_end) {
        return NULL;
    }
    ce_name *name = calloc(1, sizeof *name);
    if (name == NULL) {
        abort();
    }
    name->origin = strndup(url, (size_t)(end - url));
    name->host = strndup(host, (size_t)(host_end - host));
    name->port = colon != NULL ? strndup(colon + 1, (size_t)(end - colon - 1))
                               : strdup(strncmp(url, "https:", 6) == 0 ? "443" : "80");
    name->numeric = is_numeric(name->host);
    name->pool = pool;
    TAILQ_INIT(&name->waiting);
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
        name->loaded = false;
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
        curl_slist_free_all(name->addresses);
        free(name->origin);
        free(name->host);
        free(name->port);
        free(name);
    }
}
