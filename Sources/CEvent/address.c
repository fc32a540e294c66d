/* Counts connections by the address that they come from, so that one client cannot take every place. */
#include "connection.h"

#include <netinet/in.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* An IPv6 host chooses the lower half of its address itself, so it is counted by the upper one (RFC 4291 2.5.1). */
static bool key_of(evutil_socket_t fd, uint8_t key[16]) {
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0) {
        return false;
    }
    memset(key, 0, 16);
    if (peer.ss_family == AF_INET) {
        memcpy(key + 12, &((struct sockaddr_in *)&peer)->sin_addr, 4);
        return true;
    }
    const struct in6_addr *address = &((struct sockaddr_in6 *)&peer)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(address)) {
        memcpy(key + 12, address->s6_addr + 12, 4);
    } else {
        memcpy(key, address->s6_addr, 8);
    }
    return true;
}

/* Seeded, so that no client can choose addresses that all fall into one bucket. */
static struct ce_addresses *bucket_of(ce_http *http, const uint8_t key[16]) {
    uint32_t hash = 2166136261u;
    for (size_t index = 0; index < 16; index += 1) {
        hash = (hash ^ key[index] ^ http->address_seed[index]) * 16777619u;
    }
    return &http->addresses[(hash ^ (hash >> 16)) % CE_ADDRESS_BUCKETS];
}

bool ce_address_enter(ce_connection *connection) {
    ce_http *http = connection->http;
    uint8_t key[16];
    if (connection->address != NULL || !key_of(bufferevent_getfd(connection->bev), key)) {
        return true;
    }
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
