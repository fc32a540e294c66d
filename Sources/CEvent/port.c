/* A port that workers share: each listens on it with a socket of its own (SO_REUSEPORT), and the kernel spreads clients over them.
 * Their parent binds all these sockets at the start, while it may still bind port 443, and never accepts on any. */
#include "port.h"
#include "loop.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of this family, whether the kernel has it. */
static bool is_here(int family) {
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

struct addrinfo *ce_port_address(const char *address, uint16_t port, ce_error *error) {
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    bool every = address[0] == '\0';
    if (every) {
        /* One socket for IPv6 and IPv4 (RFC 3493 5.3), where the kernel has both. */
        hints.ai_family = is_here(AF_INET6) ? AF_INET6 : AF_INET;
    }
    struct addrinfo *found = NULL;
    int result = getaddrinfo(every ? NULL : address, service, &hints, &found);
    if (result != 0) {
        ce_error_set(error, "%s is not an address to listen on: %s", address, gai_strerror(result));
        return NULL;
    }
    return found;
}

static bool set(int fd, int option, int value) {
    return setsockopt(fd, SOL_SOCKET, option, &value, sizeof value) == 0;
}

/* The IPv6 address for "every address" covers those of IPv4 too, whatever the system's default is. */
static bool take_both(int fd, const struct sockaddr *address) {
    int off = 0;
    return address->sa_family != AF_INET6
        || !IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)address)->sin6_addr)
        || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
}

int ce_port_bind(const struct addrinfo *target, bool shared) {
    int fd = socket(target->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool bound = fd >= 0 && set(fd, SO_REUSEADDR, 1) && (!shared || set(fd, SO_REUSEPORT, 1))
        && take_both(fd, target->ai_addr) && bind(fd, target->ai_addr, target->ai_addrlen) == 0;
    if (!bound && fd >= 0) {
        int reason = errno;
        close(fd);
        errno = reason;
    }
    return bound ? fd : -1;
}

/* The ports below need a right (capabilities(7)), unless net.ipv4.ip_unprivileged_port_start says otherwise. */
static const uint16_t privileged_end = 1024;

void ce_port_refused(const char *address, uint16_t port, int reason, ce_error *error) {
    const char *remedy = "";
    if (reason == EACCES && port > 0 && port < privileged_end)
        remedy = "; ports below 1024 need CAP_NET_BIND_SERVICE";
    if (reason == EADDRINUSE)
        remedy = "; another program has it: take another port";
    ce_error_set(error, "cannot listen on %s port %u: %s%s", address[0] == '\0' ? "every address," : address, port,
                 strerror(reason), remedy);
}

uint16_t ce_port_of(int fd) {
    struct sockaddr_storage bound;
    socklen_t length = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &length) != 0) {
        return 0;
    }
    return ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                             : ((struct sockaddr_in *)&bound)->sin_port);
}

/* A socket that shares its port lets others of the same user share it too, a second gateway by accident. So this one first listens
 * without sharing, which the kernel grants to one socket only. Then it changes sides while it still holds the port: with
 * SO_REUSEPORT workers may join, and without SO_REUSEADDR a process that does not share may not, even while no worker listens. Last it
 * stops listening: it stays bound, and no client's connect ends in its queue. */
static bool hold(int fd) {
    return listen(fd, 1) == 0 && set(fd, SO_REUSEPORT, 1) && set(fd, SO_REUSEADDR, 0) && shutdown(fd, SHUT_RD) == 0;
}

int ce_port_join(const char *address, uint16_t port, ce_error *error) {
    struct addrinfo *target = ce_port_address(address, port, error);
    if (target == NULL) {
        return -1;
    }
    int fd = ce_port_bind(target, true);
    int reason = errno;
    freeaddrinfo(target);
    if (fd < 0) {
        ce_port_refused(address, port, reason, error);
    }
    return fd;
}

void ce_port_quiet(int fd) {
    int listens = 0;
    socklen_t length = sizeof listens;
    /* Only where it listens: else the socket is marked as ended, and so is each connection that a successor accepts from it. */
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens != 0) {
        (void)shutdown(fd, SHUT_RD);
    }
}

static int hold_named(const char *address, uint16_t port, bool lasting, ce_error *error) {
    struct addrinfo *target = ce_port_address(address, port, error);
    if (target == NULL) {
        return -1;
    }
    int fd = ce_port_bind(target, false);
    bool bound = fd >= 0 && (!lasting || hold(fd));
    int reason = errno;
    freeaddrinfo(target);
    if (!bound) {
        ce_port_refused(address, port, reason, error);
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

int ce_port_reserve(const char *address, uint16_t *port, ce_error *error) {
    if (*port != 0) {
        return hold_named(address, *port, true, error);
    }
    /* A port that the kernel chose is given back when its socket stops listening, one that was asked for is not. */
    int finder = hold_named(address, 0, false, error);
    if (finder < 0) {
        return -1;
    }
    *port = ce_port_of(finder);
    int fd = hold_named(address, *port, true, error);
    close(finder);
    return fd;
}
