/* Counts connections by the address that they come from, so that one client cannot take every place. */
#include "connection.h"

#include <netinet/in.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

bool ce_connection_client(const ce_connection *connection, ce_ip *client) {
    if (ce_connection_announced(connection, client)) {
        return true;
    }
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    if (getpeername(bufferevent_getfd(connection->bev), (struct sockaddr *)&peer, &length) != 0) {
        return false;
    }
    if (peer.ss_family == AF_INET) {
        *client = ce_ip_from_v4((const uint8_t *)&((struct sockaddr_in *)&peer)->sin_addr);
    } else {
        *client = ce_ip_from_v6(((struct sockaddr_in6 *)&peer)->sin6_addr.s6_addr);
    }
    return true;
}

/* An IPv6 host chooses the lower half of its address itself, so it is counted by the upper one (RFC 4291 2.5.1). */
static void make_key(ce_ip client, uint8_t key[16]) {
    uint64_t counted = ce_ip_is_v4(client) ? client.low : client.high;
    memset(key, 0, 16);
    memcpy(ce_ip_is_v4(client) ? key + 8 : key, &counted, sizeof counted);
}

/* Seeded, so that no client can choose addresses that all share one bucket. */
static struct ce_addresses *bucket_of(ce_http *http, const uint8_t key[16]) {
    uint32_t hash = 2166136261u;
    for (size_t index = 0; index < 16; index += 1) {
        hash = (hash ^ key[index] ^ http->address_seed[index]) * 16777619u;
    }
    return &http->addresses[(hash ^ (hash >> 16)) % CE_ADDRESS_BUCKETS];
}

bool ce_address_enter(ce_connection *connection) {
    ce_http *http = connection->http;
    ce_ip client;
    if (connection->address != NULL || !ce_connection_client(connection, &client)
        || ce_networks_contain(http->proxies, http->proxy_count, client)) {
        return true;
    }
    uint8_t key[16];
    make_key(client, key);
    struct ce_addresses *bucket = bucket_of(http, key);
    struct ce_address *address;
    LIST_FOREACH(address, bucket, next) {
        if (memcmp(address->key, key, sizeof address->key) == 0) {
            break;
        }
    }
    if (address == NULL) {
        address = calloc(1, sizeof *address);
        if (address == NULL) {
            abort();
        }
        memcpy(address->key, key, sizeof address->key);
        LIST_INSERT_HEAD(bucket, address, next);
    }
    address->connections += 1;
    connection->address = address;
    return http->limits.connections_per_address == 0 || address->connections <= http->limits.connections_per_address;
}

void ce_address_leave(ce_connection *connection) {
    struct ce_address *address = connection->address;
    if (address == NULL) {
        return;
    }
    connection->address = NULL;
    address->connections -= 1;
    if (address->connections == 0) {
        LIST_REMOVE(address, next);
        free(address);
    }
}
