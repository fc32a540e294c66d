/* A connection's time limits: one timer, whose meaning is the phase that the connection is in. */
#include "connection.h"
#include "request_parser.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

int64_t ce_connection_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The timer is moved only when it would fire too late: a busy connection changes its limit several times a request. */
void ce_connection_limit(ce_exchange *connection, uint32_t milliseconds) {
    if (milliseconds == 0) {
        connection->due_ms = 0;
        return;
    }
    int64_t due = ce_connection_now_ms() + milliseconds;
    connection->due_ms = due;
    if (connection->armed_ms == 0 || connection->armed_ms > due) {
        struct timeval after = { .tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000 };
        event_add(connection->deadline, &after);
        connection->armed_ms = due;
    }
}

void ce_connection_limit_at_most(ce_exchange *connection, uint32_t milliseconds) {
    if (connection->due_ms == 0 || connection->due_ms > ce_connection_now_ms() + milliseconds) {
        ce_connection_limit(connection, milliseconds);
    }
}

static uint32_t shorter(uint32_t one, uint32_t other) {
    return one < other ? one : other;
}

void ce_connection_limit_wait(ce_exchange *connection) {
    const ce_http *http = connection->http;
    uint32_t begun_ms = http->leaving ? CE_LEAVING_BEGUN_MS : UINT32_MAX;
    switch (connection->phase) {
    case CE_PHASE_HANDSHAKE:
        ce_connection_limit(connection, shorter(http->limits.handshake_ms, begun_ms));
        break;
    case CE_PHASE_HEAD:
        ce_connection_limit(connection, shorter(http->limits.head_ms, begun_ms));
        break;
    case CE_PHASE_IDLE:
        ce_connection_limit(connection, shorter(http->limits.idle_ms, http->leaving ? CE_LEAVING_IDLE_MS : UINT32_MAX));
        break;
    default:
        break;
    }
}

void ce_connection_close_idle(ce_exchange *connection) {
    if (SSL_is_init_finished(connection->ssl)) {
        SSL_shutdown(connection->ssl);
    }
    /* Its end is then read, as if the client had closed it, and the connection is freed. */
    shutdown(bufferevent_getfd(connection->bev), SHUT_RDWR);
}

static bool has_unread(const ce_exchange *connection) {
    int count = 0;
    return ioctl(bufferevent_getfd(connection->bev), FIONREAD, &count) == 0 && count > 0;
}

static void head_too_slow(ce_exchange *connection) {
    ce_connection_refuse(connection, parser_refusal_of_request(connection->parser, PARSER_HEAD_TOO_SLOW));
    ce_connection_parse_pending(connection);
}

void ce_connection_on_deadline(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_exchange *connection = context;
    connection->armed_ms = 0;
    int64_t now = ce_connection_now_ms();
    if (connection->due_ms == 0 || !ce_connection_is_live(connection)) {
        return;
    }
    if (connection->due_ms > now + 4) { /* the coarse clock's grain */
        ce_connection_limit(connection, (uint32_t)(connection->due_ms - now));
        return;
    }
    connection->due_ms = 0;
    switch (connection->phase) {
    case CE_PHASE_IDLE:
        if (has_unread(connection)) {
            /* A request has come in the last moment: to close now would reset the connection under it. */
            ce_connection_limit_wait(connection);
            break;
        }
        /* fall through */
    case CE_PHASE_HANDSHAKE:
        ce_connection_close_idle(connection);
        break;
    case CE_PHASE_HEAD:
        head_too_slow(connection);
        break;
    case CE_PHASE_LINGERING:
        ce_connection_kill(connection);
        break;
    case CE_PHASE_ANSWERING:
        ce_exchange_limit_passed(connection);
        break;
    case CE_PHASE_HANDED:
    case CE_PHASE_CLOSING:
        break;
    }
}
