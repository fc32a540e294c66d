/* A connection's time limits: one timer, whose meaning is the state that the connection and its exchange are in. */
#include "connection.h"

#include <time.h>

int64_t ce_connection_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The timer is moved only when it would fire too late: a busy connection changes its limit several times a request. */
void ce_connection_limit(ce_connection *connection, uint32_t milliseconds) {
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

void ce_connection_limit_at_most(ce_connection *connection, uint32_t milliseconds) {
    if (connection->due_ms == 0 || connection->due_ms > ce_connection_now_ms() + milliseconds) {
        ce_connection_limit(connection, milliseconds);
    }
}

static uint32_t shorter(uint32_t one, uint32_t other) {
    return one < other ? one : other;
}

void ce_connection_limit_wait(ce_connection *connection) {
    const ce_http *http = connection->http;
    const ce_http_limits *limits = &http->limits;
    uint32_t begun_ms = http->leaving ? CE_LEAVING_BEGUN_MS : UINT32_MAX;
    if (connection->state == CE_CONNECTION_HANDSHAKE) {
        ce_connection_limit(connection, shorter(limits->handshake_ms, begun_ms));
    } else if (connection->state == CE_CONNECTION_OPEN && connection->exchange.state == CE_EXCHANGE_HEAD) {
        ce_connection_limit(connection, shorter(limits->head_ms, begun_ms));
    } else if (connection->state == CE_CONNECTION_OPEN && connection->exchange.state == CE_EXCHANGE_NONE) {
        ce_connection_limit(connection, shorter(limits->idle_ms, http->leaving ? CE_LEAVING_IDLE_MS : UINT32_MAX));
    }
}

bool ce_connection_limit_passed(ce_connection *connection) {
    enum { COARSE_CLOCK_GRAIN_MS = 4 };
    connection->armed_ms = 0;
    int64_t left = connection->due_ms - ce_connection_now_ms();
    if (connection->due_ms == 0) {
        return false;
    }
    if (left > COARSE_CLOCK_GRAIN_MS) {
        ce_connection_limit(connection, (uint32_t)left);
        return false;
    }
    connection->due_ms = 0;
    return true;
}
