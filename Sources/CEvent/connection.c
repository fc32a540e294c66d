/* A connection's life, from evhttp's asking for a bufferevent to OpenSSL's freeing of the session. */
#include "connection.h"
#include "loop.h"
#include "tls.h"

#include <event2/bufferevent_ssl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

static const char stand_in_request[] = "GET / HTTP/1.1\r\n\r\n";

static int index_in_ssl(void);

ce_connection *ce_connection_of(const SSL *ssl) {
    return SSL_get_ex_data(ssl, index_in_ssl());
}

/* Gives evhttp a request to wait for as long as the connection lives; evhttp calls ce_connection_take_over for it. */
static void give_stand_in(ce_connection *connection) {
    evbuffer_add(connection->waiting, stand_in_request, sizeof stand_in_request - 1);
    bufferevent_trigger(connection->bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
}

/* close_notify was the last that had to go, and nothing that comes in is waited for. */
static bool is_over(const ce_connection *connection) {
    return connection->state == CE_CONNECTION_LINGERING && !connection->read_enabled && ce_wire_unsent(connection) == 0;
}

static void on_work(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_connection *connection = context;
    if (!ce_connection_is_live(connection)) {
        return;
    }
    if (connection->state == CE_CONNECTION_HANDSHAKE) {
        ce_connection_admit(connection);
    } else if (connection->state == CE_CONNECTION_CLOSING) {
        evhttp_connection_free(connection->evcon);
    } else if (connection->evcon == NULL) {
        give_stand_in(connection);
    } else if (connection->write_failed) {
        ce_connection_client_lost(connection, CE_CLIENT_LOST_HUNG_UP);
    } else if (is_over(connection)) {
        ce_connection_kill(connection);
    } else {
        ce_connection_parse_pending(connection);
        if (connection->read_due && connection->read_enabled) {
            ce_connection_read(connection);
        }
    }
}

static bool has_unread(const ce_connection *connection) {
    int count = 0;
    return ioctl(bufferevent_getfd(connection->bev), FIONREAD, &count) == 0 && count > 0;
}

static void on_time_up(ce_connection *connection) {
    switch (connection->exchange.state) {
    case CE_EXCHANGE_NONE:
        if (has_unread(connection) && !connection->tls_writes) {
            /* A request has just come: closing now would reset the connection under it. Not where it is not read because the client reads nothing. */
            ce_connection_limit_wait(connection);
        } else {
            ce_connection_close_idle(connection);
        }
        break;
    case CE_EXCHANGE_HEAD:
        ce_connection_head_too_slow(connection);
        break;
    case CE_EXCHANGE_HANDED:
        break;
    default:
        ce_connection_look(connection);
    }
}

static void on_deadline(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_connection *connection = context;
    if (!ce_connection_limit_passed(connection) || !ce_connection_is_live(connection)) {
        return;
    }
    switch (connection->state) {
    case CE_CONNECTION_HANDSHAKE:
        ce_connection_close_idle(connection);
        break;
    case CE_CONNECTION_OPEN:
        on_time_up(connection);
        break;
    case CE_CONNECTION_LINGERING:
        ce_connection_kill(connection);
        break;
    case CE_CONNECTION_CLOSING:
        break;
    }
}

void ce_connection_handshake_done(ce_connection *connection) {
    if (connection->state == CE_CONNECTION_HANDSHAKE) {
        ce_http_counts *counts = &connection->http->counts;
        *(SSL_session_reused(connection->ssl) ? &counts->handshakes_resumed : &counts->handshakes_full) += 1;
        ce_connection_enter(connection, CE_CONNECTION_OPEN);
        connection->silent_records = 0;
        /* Before libevent is told of the handshake's end: the bufferevent never reads a byte that evhttp could see. */
        bufferevent_disable(connection->bev, EV_READ);
        ce_connection_limit_wait(connection);
        event_active(connection->work, EV_TIMEOUT, 0);
    }
}

static void on_event(struct bufferevent *bev, short what, void *context) {
    (void)bev;
    if ((what & BEV_EVENT_CONNECTED) == 0) {
        ce_connection_ended(context);
    }
}

void ce_connection_take_over(struct evhttp_request *stand_in, void *http) {
    (void)http;
    struct evhttp_connection *evcon = evhttp_request_get_connection(stand_in);
    struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);
    ce_connection *connection = ce_connection_of(bufferevent_openssl_get_ssl(bev));
    connection->evcon = evcon;
    bufferevent_setcb(bev, NULL, ce_connection_on_writable, on_event, connection);
    bufferevent_setwatermark(bev, EV_WRITE, CE_OUTPUT_LOW, 0);
    ce_wire_take_over(connection);
    ce_connection_take_over_reading(connection);
}

/* The socket's BIO counts anyway, so bytes cost nothing until they are asked for. */
void ce_connection_count_bytes(const ce_connection *connection, ce_http_counts *counts) {
    BIO *socket = SSL_get_wbio(connection->ssl);
    if (connection->wired) {
        counts->received_bytes += connection->received;
        counts->sent_bytes += connection->sent;
    } else if (socket != NULL) {
        counts->received_bytes += BIO_number_read(socket);
        counts->sent_bytes += BIO_number_written(socket);
    }
}

static void count_end(const ce_connection *connection, ce_http_counts *counts) {
    uint64_t received = counts->received_bytes;
    ce_connection_count_bytes(connection, counts);
    if (connection->state == CE_CONNECTION_HANDSHAKE) {
        *(counts->received_bytes == received ? &counts->handshakes_abandoned : &counts->handshakes_failed) += 1;
    }
}

struct bufferevent *ce_connection_new(struct event_base *base, void *context) {
    ce_http *http = context;
    ce_connection *connection = calloc(1, sizeof *connection);
    SSL *ssl = SSL_new(http->tls->context);
    if (connection == NULL || ssl == NULL) {
        /* NULL would make evhttp speak plaintext on the TLS port. */
        abort();
    }
    connection->http = http;
    connection->ssl = ssl;
    connection->exchange.parsers = &http->parsers;
    connection->turn = (ce_turn){ .take = ce_connection_take_turn, .context = connection };
    connection->deadline = event_new(base, -1, 0, on_deadline, connection);
    connection->work = event_new(base, -1, 0, on_work, connection);
    connection->bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (connection->deadline == NULL || connection->work == NULL || connection->bev == NULL) {
        abort();
    }
    bufferevent_openssl_set_allow_dirty_shutdown(connection->bev, 1);
    connection->waiting = bufferevent_get_input(connection->bev);
    SSL_set_ex_data(ssl, index_in_ssl(), connection);
    TAILQ_INSERT_TAIL(&http->connections, connection, next);
    http->connection_count += 1;
    http->counts.connections += 1;
    http->handshakes += 1;
    ce_listening_accepted(http);
    ce_connection_limit_wait(connection);
    /* evhttp gives the socket after this returns; then the address can be counted. */
    event_active(connection->work, EV_TIMEOUT, 0);
    return connection->bev;
}

/* OpenSSL frees the connection with the SSL: the one reliable sign that it is gone. */
static void on_ssl_freed(void *parent, void *value, CRYPTO_EX_DATA *data, int index, long argl, void *argp) {
    (void)parent;
    (void)data;
    (void)index;
    (void)argl;
    (void)argp;
    ce_connection *connection = value;
    if (connection == NULL) {
        return;
    }
    ce_http *http = connection->http;
    ce_exchange_end(&connection->exchange, false);
    count_end(connection, &http->counts);
    ce_connection_enter(connection, CE_CONNECTION_CLOSING);
    ce_address_leave(connection);
    TAILQ_REMOVE(&http->connections, connection, next);
    http->connection_count -= 1;
    if (http->connection_count + 1 == http->limits.connections) {
        ce_listening_set(http, true);
    }
    ce_turn_leave(&http->loop->turns, &connection->turn);
    ce_proxied_free(connection);
    ce_wire_drop(connection);
    event_free(connection->deadline);
    event_free(connection->work);
    if (connection->readable != NULL) {
        event_free(connection->readable);
    }
    ce_parsers_give_back(&connection->exchange);
    if (connection->attachment != NULL) {
        connection->release_attachment(connection->attachment);
    }
    free(connection);
}

static int index_in_ssl(void) {
    static int index = -1;
    if (index < 0) {
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_freed);
    }
    return index;
}
