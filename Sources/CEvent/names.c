/* Names are looked up by evdns: libcurl's own resolver would start a thread. */
#include "names.h"
#include "clock.h"
#include "loop.h"
#include "lru_table.h"

#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Known addresses are looked up anew after the first time, and serve meanwhile until the second has passed too. */
enum { CE_ADDRESSES_KEPT_MS = 60 * 1000, CE_ADDRESSES_SERVE_MS = 15 * 60 * 1000, CE_ADDRESSES_AT_MOST = 16 };
enum { CE_NAMES_AT_MOST = 256 };

typedef struct ce_name {
    ce_entry entry; /* the key is the host; in use while it is looked up or waited for */
    ce_names *names;
    bool looking;
    char *addresses; /* NULL: none are known */
    int64_t expires_ms;
    int result; /* of the last look-up */
    TAILQ_HEAD(, ce_lookup) waiting;
} ce_name;

struct ce_names {
    struct evdns_base *dns;
    struct event *work; /* tells those whose look-up ended inside ce_names_find */
    ce_table table;
};

static void forget(ce_names *names, ce_name *name) {
    ce_table_remove(&names->table, &name->entry);
    free(name->entry.key);
    free(name->addresses);
    free(name);
}

static ce_name *name_of(ce_names *names, const char *host) {
    size_t length = strlen(host);
    ce_name *name = (ce_name *)ce_table_find(&names->table, host, length);
    if (name != NULL) {
        return name;
    }
    ce_entry *oldest = names->table.count >= CE_NAMES_AT_MOST ? ce_table_oldest(&names->table) : NULL;
    if (oldest != NULL) {
        forget(names, (ce_name *)oldest);
    }
    name = calloc(1, sizeof *name);
    if (name == NULL || (name->entry.key = strdup(host)) == NULL) {
        abort();
    }
    name->entry.key_length = length;
    name->names = names;
    TAILQ_INIT(&name->waiting);
    ce_table_add(&names->table, &name->entry);
    return name;
}

static char *as_text(const struct evutil_addrinfo *found) {
    char line[CE_ADDRESSES_AT_MOST * (INET6_ADDRSTRLEN + 4)];
    size_t used = 0;
    for (int count = 0; found != NULL && count < CE_ADDRESSES_AT_MOST; found = found->ai_next) {
        bool is_6 = found->ai_family == AF_INET6;
        const void *address = is_6 ? (const void *)&((struct sockaddr_in6 *)found->ai_addr)->sin6_addr
                                   : (const void *)&((struct sockaddr_in *)found->ai_addr)->sin_addr;
        char text[INET6_ADDRSTRLEN];
        if (evutil_inet_ntop(found->ai_family, address, text, sizeof text) == NULL) {
            continue;
        }
        used += (size_t)snprintf(line + used, sizeof line - used, is_6 ? "%s[%s]" : "%s%s", count > 0 ? "," : "", text);
        count += 1;
    }
    return used == 0 ? NULL : strdup(line);
}

static void tell(ce_name *name) {
    char reason[320] = "";
    if (name->addresses == NULL) {
        snprintf(reason, sizeof reason, "the name %s could not be resolved: %s", name->entry.key,
                 evutil_gai_strerror(name->result));
    }
    /* Being told frees no name: this one is in use until all have heard. */
    ce_lookup *lookup;
    name->entry.uses += 1;
    while ((lookup = TAILQ_FIRST(&name->waiting)) != NULL) {
        TAILQ_REMOVE(&name->waiting, lookup, next);
        name->entry.uses -= 1;
        lookup->name = NULL;
        lookup->found(lookup->context, name->addresses, reason);
    }
    name->entry.uses -= 1;
}

static void on_work(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_names *names = context;
    ce_entry *entry = TAILQ_FIRST(&names->table.by_use);
    while (entry != NULL) {
        ce_name *name = (ce_name *)entry;
        if (!name->looking && !TAILQ_EMPTY(&name->waiting)) {
            tell(name);
            /* Those who were told may have changed the order. */
            entry = TAILQ_FIRST(&names->table.by_use);
        } else {
            entry = TAILQ_NEXT(entry, by_use);
        }
    }
}

static void on_found(int result, struct evutil_addrinfo *found, void *context) {
    ce_name *name = context;
    name->looking = false;
    name->entry.uses -= 1;
    name->result = result;
    char *addresses = result == 0 ? as_text(found) : NULL;
    if (found != NULL) {
        evutil_freeaddrinfo(found);
    }
    if (addresses != NULL) {
        free(name->addresses);
        name->addresses = addresses;
        name->expires_ms = ce_now_ms() + CE_ADDRESSES_KEPT_MS;
    }
    /* Addresses that worked a minute ago are better than none when the DNS server is down. */
    if (!TAILQ_EMPTY(&name->waiting)) {
        event_active(name->names->work, EV_TIMEOUT, 0);
    }
}

static void look_up(ce_name *name) {
    if (name->looking) {
        return;
    }
    name->looking = true;
    name->entry.uses += 1;
    struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_flags = EVUTIL_AI_ADDRCONFIG };
    evdns_getaddrinfo(name->names->dns, name->entry.key, NULL, &hints, on_found, name);
}

const char *ce_names_find(ce_names *names, const char *host, ce_lookup *lookup) {
    ce_name *name = name_of(names, host);
    int64_t now = ce_now_ms();
    if (name->addresses != NULL && now < name->expires_ms) {
        return name->addresses;
    }
    /* A silent DNS server is given up later than a call is: who waited for it would never get as far as the old addresses. */
    bool serves = name->addresses != NULL && now < name->expires_ms + CE_ADDRESSES_SERVE_MS;
    if (!serves) {
        TAILQ_INSERT_TAIL(&name->waiting, lookup, next);
        name->entry.uses += 1;
        lookup->name = name;
    }
    look_up(name);
    return serves ? name->addresses : NULL;
}

void ce_names_cancel(ce_names *names, ce_lookup *lookup) {
    (void)names;
    if (lookup->name != NULL) {
        TAILQ_REMOVE(&lookup->name->waiting, lookup, next);
        lookup->name->entry.uses -= 1;
        lookup->name = NULL;
    }
}

static struct evdns_base *new_dns(ce_loop *loop, const char *server, ce_error *error) {
    struct evdns_base *dns = evdns_base_new(loop->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (dns == NULL) {
        abort();
    }
    if (server != NULL) {
        evdns_base_load_hosts(dns, "/etc/hosts");
        if (evdns_base_nameserver_ip_add(dns, server) != 0) {
            ce_error_set(error, "%s is not the address of a DNS server", server);
            evdns_base_free(dns, 0);
            return NULL;
        }
    } else {
        /* Without a readable file evdns asks 127.0.0.1, as libc does. */
        evdns_base_resolv_conf_parse(dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
    }
    evdns_base_set_option(dns, "timeout:", "2");
    evdns_base_set_option(dns, "attempts:", "3");
    /* The answer's case is not kept by every resolver, and a mismatch would make its names unreachable. */
    evdns_base_set_option(dns, "randomize-case:", "0");
    return dns;
}

ce_names *ce_names_new(ce_loop *loop, const char *server, ce_error *error) {
    ce_names *names = calloc(1, sizeof *names);
    if (names == NULL) {
        abort();
    }
    names->dns = new_dns(loop, server, error);
    if (names->dns == NULL) {
        free(names);
        return NULL;
    }
    names->work = event_new(loop->base, -1, 0, on_work, names);
    if (names->work == NULL) {
        abort();
    }
    ce_table_init(&names->table);
    return names;
}

void ce_names_free(ce_names *names) {
    /* Before the names go: with it goes what is under way, and on_found is not called any more. */
    evdns_base_free(names->dns, 0);
    ce_entry *entry;
    while ((entry = TAILQ_FIRST(&names->table.by_use)) != NULL) {
        forget(names, (ce_name *)entry);
    }
    event_free(names->work);
    free(names);
}
