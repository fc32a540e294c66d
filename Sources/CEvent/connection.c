#include "connection.h"
#include "gate.h"
#include "loop.h"
#include "tls.h"

#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

static const char stand_in_request[] = "GET / HTTP/1.1\r\n\r\n";

static int64_t now_ms(void) {
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
    int64_t due = now_ms() + milliseconds;
    connection->due_ms = due;
    if (connection->armed_ms == 0 || connection->armed_ms > due) {
        struct timeval after = { .tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000 };
        event_add(connection->deadline, &after);
        connection->armed_ms = due;
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

/* Hands evhttp a request to be answered. */
static void hand_over(ce_exchange *connection) {
    connection->phase = CE_PHASE_HANDED;
    ce_connection_limit(connection, 0);
    connection->taking_bytes = true;
    evbuffer_add(bufferevent_get_input(connection->bev), stand_in_request, sizeof stand_in_request - 1);
    connection->taking_bytes = false;
}

static void refuse(ce_exchange *connection, ce_refusal refusal) {
    connection->refusal = refusal;
    connection->body_ended = true;
    if (connection->phase == CE_PHASE_ANSWERING) {
        /* The request's head was good and its body is not: the callee learns it as a refusal of the rest. */
        ce_exchange_gone(connection, CE_GONE_BODY_REFUSED);
    } else {
        hand_over(connection);
    }
}

static bool may_parse(const ce_exchange *connection) {
    switch (connection->phase) {
    case CE_PHASE_HANDSHAKE:
    case CE_PHASE_IDLE:
    case CE_PHASE_HEAD:
        return true;
    case CE_PHASE_ANSWERING:
        return connection->reading && !connection->body_ended;
    default:
        return false;
    }
}

void ce_connection_regulate(ce_exchange *connection) {
    bool full = evbuffer_get_length(connection->waiting) >= CE_WAITING_HIGH;
    if (full) {
        bufferevent_disable(connection->bev, EV_READ);
    } else if (connection->phase != CE_PHASE_CLOSING && !(bufferevent_get_enabled(connection->bev) & EV_READ)) {
        bufferevent_enable(connection->bev, EV_READ);
    }
}

static void after_pump(ce_exchange *connection) {
    if (connection->phase == CE_PHASE_IDLE || connection->phase == CE_PHASE_HANDSHAKE) {
        if (!ce_gate_is_idle(connection->gate)) {
            connection->phase = CE_PHASE_HEAD;
            ce_connection_limit_wait(connection);
        }
    }
    ce_connection_regulate(connection);
}

/* One event of the gate. Returns false when parsing has to stop for now. */
static bool pump_once(ce_exchange *connection) {
    struct evbuffer_iovec extent = { .iov_base = NULL, .iov_len = 0 };
    bool empty = evbuffer_peek(connection->waiting, -1, NULL, &extent, 1) < 1 || extent.iov_len == 0;
    if (empty && connection->phase != CE_PHASE_ANSWERING) {
        return false;
    }
    /* With nothing left to read, the gate still has to say that the body has ended. */
    size_t consumed = 0;
    ce_gate_event event = ce_gate_feed(connection->gate, extent.iov_base, extent.iov_len, &consumed);
    if (event == CE_GATE_BODY) {
        ce_span body = ce_gate_body(connection->gate);
        ce_exchange_body_bytes(connection, (const uint8_t *)extent.iov_base + body.offset, body.length);
    }
    evbuffer_drain(connection->waiting, consumed);
    switch (event) {
    case CE_GATE_HEAD:
        hand_over(connection);
        return false;
    case CE_GATE_END:
        ce_exchange_body_ended(connection);
        return false;
    case CE_GATE_REFUSED:
        refuse(connection, ce_gate_refusal(connection->gate));
        return false;
    case CE_GATE_MORE:
    case CE_GATE_BODY:
        return !empty;
    }
    return false;
}

void ce_connection_pump(ce_exchange *connection) {
    while (may_parse(connection) && pump_once(connection)) {
    }
    after_pump(connection);
}

static void take_bytes(ce_exchange *connection, struct evbuffer *input, size_t added) {
    size_t older = evbuffer_get_length(input) - added;
    if (older == 0) {
        evbuffer_remove_buffer(input, connection->waiting, added);
        return;
    }
    /* A stand-in that evhttp has not read yet stands before the new bytes and has to stay. */
    struct evbuffer *kept = evbuffer_new();
    evbuffer_remove_buffer(input, kept, older);
    evbuffer_remove_buffer(input, connection->waiting, added);
    evbuffer_add_buffer(input, kept);
    evbuffer_free(kept);
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context) {
    ce_exchange *connection = context;
    if (info->n_added == 0 || connection->taking_bytes) {
        return;
    }
    connection->taking_bytes = true;
    take_bytes(connection, input, info->n_added);
    connection->taking_bytes = false;
    if (connection->phase == CE_PHASE_LINGERING || connection->phase == CE_PHASE_CLOSING) {
        connection->lingered += evbuffer_get_length(connection->waiting);
        evbuffer_drain(connection->waiting, evbuffer_get_length(connection->waiting));
        if (connection->lingered > CE_LINGER_BYTES) {
            ce_connection_kill(connection);
        }
        return;
    }
    ce_connection_pump(connection);
}

/* bufferevent_free takes the callbacks away at once and the rest in a later poll: between the two it must not be touched. */
static bool is_live(ce_exchange *connection) {
    bufferevent_event_cb on_event = NULL;
    bufferevent_getcb(connection->bev, NULL, NULL, &on_event, NULL);
    return on_event != NULL;
}

void ce_connection_close_idle(ce_exchange *connection) {
    if (SSL_is_init_finished(connection->ssl)) {
        SSL_shutdown(connection->ssl);
    }
    /* evhttp then reads an end and frees the connection, as if the client had closed it. */
    shutdown(bufferevent_getfd(connection->bev), SHUT_RDWR);
}

static bool has_unread(const ce_exchange *connection) {
    int count = 0;
    return ioctl(bufferevent_getfd(connection->bev), FIONREAD, &count) == 0 && count > 0;
}

static void head_too_slow(ce_exchange *connection) {
    refuse(connection, gate_refusal_of(GATE_HEAD_TOO_SLOW));
    bufferevent_trigger(connection->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

static void on_deadline(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_exchange *connection = context;
    connection->armed_ms = 0;
    int64_t now = now_ms();
    if (connection->due_ms == 0 || !is_live(connection)) {
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

/* Before a byte is read: a shutdown alone would still let OpenSSL read a waiting ClientHello and sign an answer to it. */
static void turn_away(ce_exchange *connection) {
    connection->http->counts.refused_by_address += 1;
    connection->phase = CE_PHASE_CLOSING;
    bufferevent_disable(connection->bev, EV_READ | EV_WRITE);
    bufferevent_trigger_event(connection->bev, BEV_EVENT_EOF | BEV_EVENT_READING, BEV_TRIG_DEFER_CALLBACKS);
}

static void on_work(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_exchange *connection = context;
    if (!is_live(connection)) {
        return;
    }
    if (connection->phase == CE_PHASE_HANDSHAKE && !ce_address_enter(connection)) {
        turn_away(connection);
    } else if (connection->phase == CE_PHASE_CLOSING) {
        evhttp_connection_free(connection->evcon);
    } else if (connection->broken) {
        ce_exchange_gone(connection, CE_GONE_HUNG_UP);
    } else {
        ce_connection_pump(connection);
    }
}

void ce_connection_kill(ce_exchange *connection) {
    if (connection->phase == CE_PHASE_CLOSING) {
        return;
    }
    ce_exchange_end(connection, false);
    connection->phase = CE_PHASE_CLOSING;
    ce_connection_limit(connection, 0);
    /* A FIN behind what is already sent: a reset would take from the client what it has not read yet. */
    shutdown(bufferevent_getfd(connection->bev), SHUT_WR);
    bufferevent_disable(connection->bev, EV_READ | EV_WRITE);
    event_active(connection->work, EV_TIMEOUT, 0);
}

void ce_connection_handshake_done(ce_exchange *connection) {
    if (connection->phase == CE_PHASE_HANDSHAKE) {
        ce_http_counts *counts = &connection->http->counts;
        *(SSL_session_reused(connection->ssl) ? &counts->handshakes_resumed : &counts->handshakes_full) += 1;
        connection->phase = CE_PHASE_IDLE;
        ce_connection_limit_wait(connection);
    }
}

/* The socket's BIO counts anyway, so bytes cost nothing until somebody asks. */
void ce_connection_count_bytes(const ce_exchange *connection, ce_http_counts *counts) {
    BIO *socket = SSL_get_wbio(connection->ssl);
    if (socket != NULL) {
        counts->received_bytes += BIO_number_read(socket);
        counts->sent_bytes += BIO_number_written(socket);
    }
}

static void count_end(const ce_exchange *connection, ce_http_counts *counts) {
    uint64_t received = counts->received_bytes;
    ce_connection_count_bytes(connection, counts);
    if (connection->phase == CE_PHASE_HANDSHAKE) {
        *(counts->received_bytes == received ? &counts->handshakes_abandoned : &counts->handshakes_failed) += 1;
    }
}

struct bufferevent *ce_connection_new(struct event_base *base, void *context) {
    ce_http *http = context;
    ce_exchange *connection = calloc(1, sizeof *connection);
    SSL *ssl = SSL_new(http->tls->context);
    if (connection == NULL || ssl == NULL) {
        /* NULL would make evhttp speak plaintext on the TLS port. */
        abort();
    }
    connection->http = http;
    connection->ssl = ssl;
    connection->gate = ce_gate_new(&http->limits.gate);
    connection->waiting = evbuffer_new();
    connection->deadline = event_new(base, -1, 0, on_deadline, connection);
    connection->work = event_new(base, -1, 0, on_work, connection);
    connection->bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (connection->gate == NULL || connection->waiting == NULL || connection->deadline == NULL
        || connection->work == NULL || connection->bev == NULL) {
        abort();
    }
    bufferevent_openssl_set_allow_dirty_shutdown(connection->bev, 1);
    evbuffer_add_cb(bufferevent_get_input(connection->bev), on_input, connection);
    SSL_set_ex_data(ssl, ce_connection_index(), connection);
    TAILQ_INSERT_TAIL(&http->connections, connection, next);
    http->connection_count += 1;
    http->counts.connections += 1;
    if (http->connection_count >= http->limits.connections) {
        http->counts.pauses_by_limit += 1;
        evconnlistener_disable(http->listener);
    }
    ce_connection_limit_wait(connection);
    /* evhttp gives the socket after this returns; then the address can be counted. */
    event_active(connection->work, EV_TIMEOUT, 0);
    return connection->bev;
}

ce_exchange *ce_connection_of(struct evhttp_connection *evcon) {
    return SSL_get_ex_data(bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(evcon)),
                           ce_connection_index());
}

static void on_ssl_freed(void *parent, void *value, CRYPTO_EX_DATA *data, int index, long argl, void *argp) {
    (void)parent;
    (void)data;
    (void)index;
    (void)argl;
    (void)argp;
    ce_exchange *connection = value;
    if (connection == NULL) {
        return;
    }
    ce_http *http = connection->http;
    ce_exchange_end(connection, false);
    count_end(connection, &http->counts);
    ce_address_leave(connection);
    TAILQ_REMOVE(&http->connections, connection, next);
    http->connection_count -= 1;
    if (http->listener != NULL && http->connection_count + 1 == http->limits.connections) {
        evconnlistener_enable(http->listener);
    }
    event_free(connection->deadline);
    event_free(connection->work);
    evbuffer_free(connection->waiting);
    ce_gate_free(connection->gate);
    free(connection);
}

int ce_connection_index(void) {
    static int index = -1;
    if (index < 0) {
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_freed);
    }
    return index;
}
