/* A connection's life, from evhttp's asking for a bufferevent to OpenSSL's freeing of the session. */
#include "connection.h"
#include "loop.h"
#include "tls.h"

#include <event2/bufferevent_ssl.h>
#include <stdlib.h>
#include <sys/socket.h>

/* bufferevent_free takes the callbacks away at once and the rest in a later poll: between the two it must not be touched. */
bool ce_connection_is_live(ce_exchange *connection) {
    bufferevent_event_cb on_event = NULL;
    bufferevent_getcb(connection->bev, NULL, NULL, &on_event, NULL);
    return on_event != NULL;
}

/* Before a byte is read: a shutdown alone would still let OpenSSL read a waiting ClientHello and sign a response to it. */
void ce_connection_turn_away(ce_exchange *connection) {
    connection->phase = CE_PHASE_CLOSING;
    bufferevent_disable(connection->bev, EV_READ | EV_WRITE);
    bufferevent_trigger_event(connection->bev, BEV_EVENT_EOF | BEV_EVENT_READING, BEV_TRIG_DEFER_CALLBACKS);
}

void ce_connection_admit(ce_exchange *connection) {
    if (!ce_address_enter(connection)) {
        connection->http->counts.refused_by_address += 1;
        ce_connection_turn_away(connection);
    }
}

static void on_work(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_exchange *connection = context;
    if (!ce_connection_is_live(connection)) {
        return;
    }
    if (connection->phase == CE_PHASE_HANDSHAKE) {
        if (!connection->http->proxies_send_headers || !ce_proxied_begin(connection)) {
            ce_connection_admit(connection);
        }
    } else if (connection->phase == CE_PHASE_CLOSING) {
        evhttp_connection_free(connection->evcon);
    } else if (connection->stand_in == NULL) {
        ce_connection_stand_in(connection);
    } else if (connection->broken) {
        ce_exchange_client_lost(connection, CE_CLIENT_LOST_HUNG_UP);
    } else {
        ce_connection_parse_pending(connection);
        if (connection->read_due && connection->read_enabled) {
            ce_connection_read(connection);
        }
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
    ce_connection_set_reading(connection, false);
    event_active(connection->work, EV_TIMEOUT, 0);
}

void ce_connection_handshake_done(ce_exchange *connection) {
    if (connection->phase == CE_PHASE_HANDSHAKE) {
        ce_http_counts *counts = &connection->http->counts;
        *(SSL_session_reused(connection->ssl) ? &counts->handshakes_resumed : &counts->handshakes_full) += 1;
        connection->phase = CE_PHASE_IDLE;
        connection->silent_records = 0;
        /* Before libevent hears of the handshake's end: the bufferevent never reads a byte that evhttp could see. */
        bufferevent_disable(connection->bev, EV_READ);
        ce_connection_limit_wait(connection);
        event_active(connection->work, EV_TIMEOUT, 0);
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
    connection->parser = ce_request_parser_new(&http->limits.parser);
    connection->deadline = event_new(base, -1, 0, ce_connection_on_deadline, connection);
    connection->work = event_new(base, -1, 0, on_work, connection);
    connection->bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (connection->parser == NULL || connection->deadline == NULL || connection->work == NULL
        || connection->bev == NULL) {
        abort();
    }
    bufferevent_openssl_set_allow_dirty_shutdown(connection->bev, 1);
    connection->waiting = bufferevent_get_input(connection->bev);
    SSL_set_ex_data(ssl, ce_connection_index(), connection);
    TAILQ_INSERT_TAIL(&http->connections, connection, next);
    http->connection_count += 1;
    http->counts.connections += 1;
    if (http->connection_count >= http->limits.connections) {
        http->counts.pauses_by_limit += 1;
        ce_listening_set(http, false);
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
    if (http->connection_count + 1 == http->limits.connections) {
        ce_listening_set(http, true);
    }
    ce_proxied_free(connection);
    event_free(connection->deadline);
    event_free(connection->work);
    if (connection->readable != NULL) {
        event_free(connection->readable);
    }
    ce_request_parser_free(connection->parser);
    free(connection);
}

int ce_connection_index(void) {
    static int index = -1;
    if (index < 0) {
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_freed);
    }
    return index;
}
