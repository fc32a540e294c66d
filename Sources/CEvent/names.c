/* Keeps the addresses of hosts, and looks each up once for all calls that wait for it. */
#include "names.h"
#include "clock.h"
#include "dns_client.h"
#include "lru_table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Known addresses are looked up again after the time that their record says, within these bounds, and serve meanwhile until the last
 * one has passed too. */
enum { CE_ADDRESSES_LEAST_SECONDS = 5, CE_ADDRESSES_MOST_SECONDS = 60, CE_ADDRESSES_SERVE_MS = 15 * 60 * 1000 };
enum { CE_ADDRESSES_AT_MOST = 16 };
enum { CE_NAMES_AT_MOST = 256 };

typedef struct ce_name {
    ce_entry entry; /* the key is the host; in use while it is looked up or waited for */
    ce_names *names;
    bool looking;
    char *addresses; /* NULL: none are known */
    int64_t expires_ms;
    TAILQ_HEAD(, ce_lookup) waiting;
} ce_name;

struct ce_names {
    ce_dns *dns;
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

static char *as_text(const struct ares_addrinfo_node *found) {
    char line[CE_ADDRESSES_AT_MOST * (INET6_ADDRSTRLEN + 4)];
    size_t used = 0;
    for (int count = 0; found != NULL && count < CE_ADDRESSES_AT_MOST; found = found->ai_next) {
        bool is_6 = found->ai_family == AF_INET6;
        const void *address = is_6 ? (const void *)&((struct sockaddr_in6 *)found->ai_addr)->sin6_addr
                                   : (const void *)&((struct sockaddr_in *)found->ai_addr)->sin_addr;
        char text[INET6_ADDRSTRLEN];
        if (inet_ntop(found->ai_family, address, text, sizeof text) == NULL) {
            continue;
        }
        used += (size_t)snprintf(line + used, sizeof line - used, is_6 ? "%s[%s]" : "%s%s", count > 0 ? "," : "", text);
        count += 1;
    }
    return used == 0 ? NULL : strdup(line);
}

/* The shortest time to live of all. */
static int64_t kept_ms(const struct ares_addrinfo_node *found) {
    int seconds = CE_ADDRESSES_MOST_SECONDS;
    for (; found != NULL; found = found->ai_next) {
        seconds = found->ai_ttl < seconds ? found->ai_ttl : seconds;
    }
    return (seconds < CE_ADDRESSES_LEAST_SECONDS ? CE_ADDRESSES_LEAST_SECONDS : seconds) * INT64_C(1000);
}

static void tell(ce_name *name, const char *fault) {
    char reason[320] = "";
    if (name->addresses == NULL) {
        snprintf(reason, sizeof reason, "the name %s could not be resolved: %s", name->entry.key, fault);
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

static void on_found(void *context, const struct ares_addrinfo_node *found, const char *fault) {
    ce_name *name = context;
    name->looking = false;
    name->entry.uses -= 1;
    char *addresses = as_text(found);
    /* Addresses that worked a minute ago are better than none when the DNS server is down. */
    if (addresses != NULL) {
        free(name->addresses);
        name->addresses = addresses;
        name->expires_ms = ce_now_ms() + kept_ms(found);
    }
    tell(name, fault);
}

static void look_up(ce_name *name) {
    if (!name->looking) {
        name->looking = true;
        name->entry.uses += 1;
        ce_dns_find(name->names->dns, name->entry.key, on_found, name);
    }
}

const char *ce_names_find(ce_names *names, const char *host, ce_lookup *lookup) {
    ce_name *name = name_of(names, host);
    int64_t now = ce_now_ms();
    if (name->addresses != NULL && now < name->expires_ms) {
        return name->addresses;
    }
    /* A silent DNS server is given up later than a call is: a call that waited for it would never come to the old addresses. */
    bool serves = name->addresses != NULL && now < name->expires_ms + CE_ADDRESSES_SERVE_MS;
    if (!serves) {
        TAILQ_INSERT_TAIL(&name->waiting, lookup, next);
        name->entry.uses += 1;
        lookup->name = name;
    }
    look_up(name);
    return serves ? name->addresses : NULL;
}

void ce_names_cancel(ce_lookup *lookup) {
    if (lookup->name != NULL) {
        TAILQ_REMOVE(&lookup->name->waiting, lookup, next);
        lookup->name->entry.uses -= 1;
        lookup->name = NULL;
    }
}

ce_names *ce_names_new(ce_loop *loop, const char *server, ce_error *error) {
    ce_names *names = calloc(1, sizeof *names);
    if (names == NULL) {
        abort();
    }
    names->dns = ce_dns_new(loop, server, error);
    if (names->dns == NULL) {
        free(names);
        return NULL;
    }
    ce_table_init(&names->table);
    return names;
}

void ce_names_free(ce_names *names) {
    /* Before the names go: on_found is not called any more. */
    ce_dns_free(names->dns);
    ce_entry *entry;
    while ((entry = TAILQ_FIRST(&names->table.by_use)) != NULL) {
        forget(names, (ce_name *)entry);
    }
    free(names);
}
