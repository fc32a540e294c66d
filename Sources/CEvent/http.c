#include "connection.h"
#include "loop.h"
#include "tls.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

static void on_tls_progress(const SSL *ssl, int where, int result) {
    (void)result;
    if ((where & SSL_CB_HANDSHAKE_DONE) != 0) {
        ce_connection_handshake_done(ce_connection_of(ssl));
    }
}

ce_http *ce_http_new(ce_loop *loop, ce_tls *tls, const ce_http_limits *limits, ce_on_request request, void *context,
                     ce_error *error) {
    ce_http *http = calloc(1, sizeof *http);
    if (http == NULL) {
        abort();
    }
    *http = (ce_http){ .loop = loop, .tls = tls, .limits = *limits, .on_request = request, .context = context };
    http->parsers.limits = limits->parser;
    TAILQ_INIT(&http->connections);
    LIST_INSERT_HEAD(&ce_all_servers, http, next_server);
    RAND_bytes(http->address_seed, sizeof http->address_seed);
    http->server = evhttp_new(loop->base);
    http->listen_again = evtimer_new(loop->base, ce_listening_again, http);
    if (http->server == NULL || http->listen_again == NULL) {
        ce_error_set(error, "evhttp could not start");
        ce_http_free(http);
        return NULL;
    }
    ce_http_set_tls(http, tls);
    evhttp_set_bevcb(http->server, ce_connection_new, http);
    evhttp_set_gencb(http->server, ce_connection_take_over, http);
    return http;
}

void ce_http_set_tls(ce_http *http, ce_tls *tls) {
    SSL_CTX_set_info_callback(tls->context, on_tls_progress);
    ce_connection_count_records(tls->context);
    http->tls = tls;
}

void ce_http_set_proxies(ce_http *http, const ce_network *proxies, size_t count, bool send_headers) {
    free(http->proxies);
    http->proxies = count == 0 ? NULL : malloc(count * sizeof *proxies);
    if (count > 0) {
        if (http->proxies == NULL) {
            abort();
        }
        memcpy(http->proxies, proxies, count * sizeof *proxies);
    }
    http->proxy_count = count;
    http->proxies_send_headers = send_headers;
}

void ce_http_set_limits(ce_http *http, const ce_http_limits *limits) {
    http->limits = *limits;
    http->parsers.limits = limits->parser;
    ce_listening_set(http, http->connection_count < limits->connections);
}

size_t ce_http_connection_count(const ce_http *http) {
    return http->connection_count;
}

void ce_http_count(const ce_http *http, ce_http_counts *counts) {
    const ce_http_counts *own = &http->counts;
    counts->connections += own->connections;
    counts->connections_now += http->connection_count;
    counts->refused_by_address += own->refused_by_address;
    counts->cut_by_records += own->cut_by_records;
    counts->proxy_headers += own->proxy_headers;
    counts->proxy_headers_malformed += own->proxy_headers_malformed;
    counts->proxy_headers_late += own->proxy_headers_late;
    counts->pauses_by_limit += own->pauses_by_limit;
    counts->pauses_by_handshakes += own->pauses_by_handshakes;
    counts->pauses_by_error += own->pauses_by_error;
    counts->handshakes_full += own->handshakes_full;
    counts->handshakes_resumed += own->handshakes_resumed;
    counts->handshakes_failed += own->handshakes_failed;
    counts->handshakes_abandoned += own->handshakes_abandoned;
    counts->received_bytes += own->received_bytes;
    counts->sent_bytes += own->sent_bytes;
    const ce_connection *connection;
    TAILQ_FOREACH(connection, &http->connections, next) {
        ce_connection_count_bytes(connection, counts);
    }
}

void ce_http_free(ce_http *http) {
    http->draining = true;
    http->listening_count = 0;
    /* `listen_again` is gone before the last handshakes are. */
    http->waits_for_handshakes = false;
    ce_connection *connection;
    TAILQ_FOREACH(connection, &http->connections, next) {
        ce_exchange_end(&connection->exchange, false);
        ce_connection_set_reading(connection, false);
    }
    if (http->server != NULL) {
        evhttp_free(http->server);
    }
    if (http->listen_again != NULL) {
        event_free(http->listen_again);
    }
    /* evhttp frees the connections' last parts in a later poll. */
    while (http->connection_count > 0) {
        event_base_loop(http->loop->base, EVLOOP_ONCE);
    }
    ce_parsers_free(&http->parsers);
    LIST_REMOVE(http, next_server);
    free(http->proxies);
    free(http);
}
