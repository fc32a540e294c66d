// Loaded before the C library of a client's process (LD_PRELOAD), so that it holds for hf_xet's Rust too: writes down
// whom the process contacts, one `host port` a line of the file that CONTACTS names, and lets it reach nobody but the
// loopback port that CONTACTS_ALLOWED names.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const char *host, const char *port) {
    char line[512];
    const char *path = getenv("CONTACTS");
    int log = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    int length = snprintf(line, sizeof line, "%s %s\n", host, port);
    if (log < 0 || length < 0 || (size_t)length >= sizeof line || write(log, line, (size_t)length) != length) {
        abort(); // A contact that is not written down would be one that no test sees.
    }
    close(log);
}

// Notes an address, and says whether it is the gateway's.
static bool may_reach(const struct sockaddr *address, socklen_t length) {
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6) {
        return true; // A socket of this machine's own, not of a network.
    }
    if (getnameinfo(address, length, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        abort();
    }
    note(host, port);
    const char *allowed = getenv("CONTACTS_ALLOWED");
    return allowed && strcmp(port, allowed) == 0 && (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0);
}

int connect(int socket, const struct sockaddr *address, socklen_t length) {
    int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    if (!may_reach(address, length)) {
        errno = ECONNREFUSED;
        return -1;
    }
    return next(socket, address, length);
}

ssize_t sendto(int socket, const void *bytes, size_t count, int flags, const struct sockaddr *address,
               socklen_t length) {
    ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
    if (address && !may_reach(address, length)) {
        errno = ECONNREFUSED;
        return -1;
    }
    return next(socket, bytes, count, flags, address, length);
}

// The C library asks name servers by calls of its own, which `connect` and `sendto` above do not see.
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found) {
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    unsigned char number[sizeof(struct in6_addr)];
    bool is_number = host && (inet_pton(AF_INET, host, number) == 1 || inet_pton(AF_INET6, host, number) == 1);
    if (host && !is_number && strcmp(host, "localhost") != 0) {
        note(host, port ? port : "?");
        return EAI_NONAME;
    }
    return next(host, port, hints, found);
}
