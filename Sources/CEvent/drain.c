/* A server that stops without dropping a client: it stops accepting, empties its queue, and lets each client finish. */
#include "connection.h"

#include <event2/listener.h>
#include <linux/filter.h>
#include <poll.h>
#include <sys/socket.h>

void ce_http_announce_drain(ce_http *http) {
    http->draining = true;
}

/* The kernel completes connects by itself, so a listener that closes resets clients that came between its last accept and its end. With this
 * filter it does not see a new client's SYN; the client's kernel sends it again after a second and is refused then, or finds
 * the listener's successor. What is on its way to be accepted already still arrives. */
static void ignore_new_clients(evutil_socket_t listener) {
    enum { FLAGS_OFFSET = 13, SYN = 0x02, ACK = 0x10 };
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_OFFSET),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog filter = { .len = sizeof steps / sizeof *steps, .filter = steps };
    /* Where it is not to be had, a few microseconds' risk is left. */
    (void)setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

void ce_http_stop_accepting(ce_http *http) {
    http->draining = http->leaving = true;
    for (size_t at = 0; at < http->listening_count; at += 1) {
        ignore_new_clients(evconnlistener_get_fd(http->listening[at].listener));
    }
    ce_connection *connection;
    TAILQ_FOREACH(connection, &http->connections, next) {
        ce_connection_limit_wait(connection);
    }
}

static bool has_queue(const ce_listening *listening) {
    struct pollfd queue = { .fd = evconnlistener_get_fd(listening->listener), .events = POLLIN };
    return poll(&queue, 1, 0) > 0;
}

bool ce_http_stop_listening(ce_http *http) {
    size_t open = 0;
    for (size_t at = 0; at < http->listening_count; at += 1) {
        ce_listening listening = http->listening[at];
        if (has_queue(&listening)) {
            http->listening[open++] = listening;
            continue;
        }
        /* Closing is not enough where the parent has the socket too. */
        ce_port_quiet(evconnlistener_get_fd(listening.listener));
        evhttp_del_accept_socket(http->server, listening.bound);
    }
    http->listening_count = open;
    return open == 0;
}
