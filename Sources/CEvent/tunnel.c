#define _GNU_SOURCE
#include "tunnel.h"
#include "loop.h"
#include "response_parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What one turn reads of the proxy's response; the parser bounds how much there is of it in all. */
enum { CE_TUNNEL_READ_BYTES = 4096 };

struct ce_tunnel {
    ce_tunnel_state state;
    char *proxy_url, *proxy_name;
    char *authority; /* of the origin, with its port */
    char *request;
    size_t request_length, sent;
    int fd; /* -1: none, or libcurl's */
    struct event *readable, *writable;
    ce_response_parser parser;
    void (*answered)(void *context, ce_outcome outcome, const char *reason);
    void *context;
    char reason[512];
};

ce_tunnel *ce_tunnel_new(const ce_proxy *proxy, const ce_origin *origin) {
    ce_tunnel *tunnel = calloc(1, sizeof *tunnel);
    if (tunnel == NULL) {
        abort();
    }
    tunnel->fd = -1;
    tunnel->proxy_url = ce_formatted("%s", proxy->url);
    tunnel->proxy_name = ce_formatted("%s", proxy->name);
    bool is_6 = strchr(origin->host, ':') != NULL;
    tunnel->authority = ce_formatted(is_6 ? "[%s]:%s" : "%s:%s", origin->host, origin->port);
    bool credited = proxy->authorization != NULL;
    tunnel->request = ce_formatted("CONNECT %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: hubgate\r\n%s%s%s\r\n",
                                   tunnel->authority, tunnel->authority, credited ? "Proxy-Authorization: " : "",
                                   credited ? proxy->authorization : "", credited ? "\r\n" : "");
    tunnel->request_length = strlen(tunnel->request);
    return tunnel;
}

static void stop_listening(ce_tunnel *tunnel) {
    if (tunnel->readable != NULL) {
        event_free(tunnel->readable);
        event_free(tunnel->writable);
        tunnel->readable = tunnel->writable = NULL;
    }
}

/* There may be a password in it. */
static void forget_request(ce_tunnel *tunnel) {
    if (tunnel->request != NULL) {
        explicit_bzero(tunnel->request, tunnel->request_length);
        free(tunnel->request);
        tunnel->request = NULL;
    }
}

void ce_tunnel_free(ce_tunnel *tunnel) {
    if (tunnel == NULL) {
        return;
    }
    stop_listening(tunnel);
    forget_request(tunnel);
    if (tunnel->fd >= 0) {
        close(tunnel->fd);
    }
    parser_free_lines(&tunnel->parser.lines);
    free(tunnel->proxy_url);
    free(tunnel->proxy_name);
    free(tunnel->authority);
    free(tunnel);
}

ce_tunnel_state ce_tunnel_state_of(const ce_tunnel *tunnel) {
    return tunnel->state;
}

const char *ce_tunnel_proxy_url(const ce_tunnel *tunnel) {
    return tunnel->proxy_url;
}

const char *ce_tunnel_connect_to(const ce_tunnel *tunnel) {
    struct sockaddr_storage address = { .ss_family = AF_INET };
    socklen_t size = sizeof address;
    getsockname(tunnel->fd, (struct sockaddr *)&address, &size);
    return address.ss_family == AF_INET6 ? "::[::1]:" : "::127.0.0.1:";
}

int ce_tunnel_take_socket(ce_tunnel *tunnel) {
    int fd = tunnel->fd;
    tunnel->fd = -1;
    return fd;
}

/* The last that is done with a tunnel: `answered` may free it. */
static void answer(ce_tunnel *tunnel, ce_outcome outcome, const char *form, ...) {
    va_list values;
    va_start(values, form);
    vsnprintf(tunnel->reason, sizeof tunnel->reason, form, values);
    va_end(values);
    stop_listening(tunnel);
    forget_request(tunnel);
    tunnel->answered(tunnel->context, outcome, tunnel->reason);
}

static void judge(ce_tunnel *tunnel, int status, bool is_exact) {
    const char *proxy = tunnel->proxy_name;
    if (status == 407) {
        answer(tunnel, CE_OUTCOME_PROXY_CREDENTIALS, "%s does not take the user and the password (407)", proxy);
    } else if (status >= 500) {
        answer(tunnel, CE_OUTCOME_PROXY_FAILED, "%s could not connect to %s (%d)", proxy, tunnel->authority, status);
    } else if (status >= 300) {
        answer(tunnel, CE_OUTCOME_PROXY_REFUSED, "%s refuses connections to %s (%d)", proxy, tunnel->authority, status);
    } else if (!is_exact) {
        /* The origin speaks when asked: these bytes would be read as the response to the first request. */
        answer(tunnel, CE_OUTCOME_PROXY_FAILED, "%s sent more than its answer to CONNECT", proxy);
    } else {
        tunnel->state = CE_TUNNEL_OPEN;
        answer(tunnel, CE_OUTCOME_COMPLETE, "%s", "");
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context) {
    (void)what;
    ce_tunnel *tunnel = context;
    uint8_t bytes[CE_TUNNEL_READ_BYTES];
    ssize_t count = recv(fd, bytes, sizeof bytes, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count <= 0) {
        answer(tunnel, CE_OUTCOME_PROXY_FAILED, "%s closed the connection instead of answering CONNECT",
               tunnel->proxy_name);
        return;
    }
    size_t consumed;
    switch (ce_response_feed(&tunnel->parser, bytes, (size_t)count, &consumed)) {
    case CE_RESPONSE_MORE:
        return;
    case CE_RESPONSE_HEAD:
        judge(tunnel, ce_response_parsed(&tunnel->parser)->status, consumed == (size_t)count);
        return;
    default:
        answer(tunnel, CE_OUTCOME_PROXY_FAILED, "%s answered CONNECT in no form that can be read: %s",
               tunnel->proxy_name, ce_response_fault(&tunnel->parser).reason);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *context) {
    (void)what;
    ce_tunnel *tunnel = context;
    const char *left = tunnel->request + tunnel->sent;
    ssize_t count = send(fd, left, tunnel->request_length - tunnel->sent, MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
        /* What it said before it closed is still to be read. */
        return;
    }
    tunnel->sent += count > 0 ? (size_t)count : 0;
    if (tunnel->sent < tunnel->request_length) {
        event_add(tunnel->writable, NULL);
    }
}

void ce_tunnel_ask(ce_tunnel *tunnel, struct event_base *base, int fd,
                   void (*answered)(void *context, ce_outcome outcome, const char *reason), void *context) {
    tunnel->state = CE_TUNNEL_ASKING;
    tunnel->fd = fd;
    tunnel->answered = answered;
    tunnel->context = context;
    /* As if to HEAD: what Content-Length or Transfer-Encoding say is to be ignored (RFC 9110 9.3.6). */
    ce_response_begin(&tunnel->parser, true);
    tunnel->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, tunnel);
    tunnel->writable = event_new(base, fd, EV_WRITE, on_writable, tunnel);
    if (tunnel->readable == NULL || tunnel->writable == NULL || event_add(tunnel->readable, NULL) != 0
        || event_add(tunnel->writable, NULL) != 0) {
        abort();
    }
}

static const char *say(ce_tunnel *tunnel, const char *form, const char *one, const char *two) {
    snprintf(tunnel->reason, sizeof tunnel->reason, form, one, two);
    return tunnel->reason;
}

const char *ce_tunnel_unreached(ce_tunnel *tunnel, const char *reason) {
    return say(tunnel, "%s cannot be reached: %s", tunnel->proxy_name, reason);
}

const char *ce_tunnel_overdue(ce_tunnel *tunnel) {
    switch (tunnel->state) {
    case CE_TUNNEL_DIALLING:
        return ce_tunnel_unreached(tunnel, "no connection within the time limit");
    case CE_TUNNEL_ASKING:
        return say(tunnel, "%s did not answer CONNECT %s within the time limit", tunnel->proxy_name, tunnel->authority);
    default:
        return ce_tunnel_behind(tunnel, "no connection within the time limit");
    }
}

const char *ce_tunnel_behind(ce_tunnel *tunnel, const char *reason) {
    return say(tunnel, "%s (through %s)", reason, tunnel->proxy_name);
}
