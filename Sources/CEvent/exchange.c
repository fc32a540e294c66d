#include "connection.h"
#include "request_parser.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static const char continue_head[] = "HTTP/1.1 100 Continue\r\n\r\n";

void ce_exchange_end(ce_exchange *exchange, bool whole) {
    if (exchange->events != NULL) {
        const ce_exchange_events *events = exchange->events;
        exchange->events = NULL;
        events->done(exchange->context, whole);
    }
}

void ce_exchange_client_lost(ce_exchange *exchange, ce_client_lost why) {
    if (exchange->events == NULL) {
        return;
    }
    exchange->close_after = true;
    exchange->reading = false;
    if (why != CE_CLIENT_LOST_BODY_REFUSED) {
        /* Whoever still answers a refused body is not told a second time: its finish then ends the connection. */
        exchange->broken = true;
        bufferevent_disable(exchange->bev, EV_WRITE);
        ce_connection_set_reading(exchange, false);
        if (exchange->finished) {
            ce_connection_kill(exchange);
            return;
        }
    }
    if (!exchange->client_lost && !exchange->finished) {
        exchange->client_lost = true;
        exchange->events->client_lost(exchange->context, why,
                                      why == CE_CLIENT_LOST_BODY_REFUSED ? &exchange->refusal : NULL);
    }
}

size_t ce_exchange_queued(const ce_exchange *exchange) {
    return evbuffer_get_length(bufferevent_get_output(exchange->bev));
}

int ce_exchange_socket(const ce_exchange *exchange) {
    return bufferevent_getfd(exchange->bev);
}

static bool must_close(const ce_exchange *exchange) {
    uint32_t most = exchange->http->limits.requests;
    bool is_last = exchange->half_closed && evbuffer_get_length(exchange->waiting) == 0;
    return (most > 0 && exchange->requests >= most) || exchange->close_after || exchange->client_closes || is_last
        || !exchange->body_ended;
}

/* What the head says holds, however the reasons change before the response's end: a drain that begins meanwhile waits for the
 * connection's next request, whose answer can announce the end. */
bool ce_exchange_closes(ce_exchange *exchange) {
    exchange->close_after = exchange->http->draining || must_close(exchange);
    return exchange->close_after;
}

/* Ends the exchange in order: the response is with the kernel. */
static void complete(ce_exchange *exchange) {
    bool closes = must_close(exchange);
    bool unread = !exchange->body_ended || exchange->refusal.status != 0 || evbuffer_get_length(exchange->waiting) > 0;
    ce_exchange_end(exchange, true);
    if (!closes) {
        exchange->phase = CE_PHASE_IDLE;
        ce_request_parser_trim(exchange->parser);
        ce_connection_limit_wait(exchange);
        if (evbuffer_get_length(exchange->waiting) > 0) {
            /* Pipelined requests are not begun here, one inside the other. */
            event_active(exchange->work, EV_TIMEOUT, 0);
        }
        ce_connection_update_backpressure(exchange);
        return;
    }
    /* Without close_notify, OpenSSL clients throw the session away, and some take the answer for cut off. */
    SSL_shutdown(exchange->ssl);
    if (!unread) {
        ce_connection_kill(exchange);
        return;
    }
    exchange->phase = CE_PHASE_LINGERING;
    evbuffer_drain(exchange->waiting, evbuffer_get_length(exchange->waiting));
    shutdown(bufferevent_getfd(exchange->bev), SHUT_WR);
    ce_connection_limit(exchange, exchange->http->leaving ? CE_LEAVING_LINGER_MS : CE_LINGER_MS);
    ce_connection_set_reading(exchange, true);
}

static void on_writable(struct bufferevent *bev, void *context) {
    (void)bev;
    ce_exchange *exchange = context;
    if (exchange->phase != CE_PHASE_ANSWERING || exchange->events == NULL) {
        return;
    }
    if (ce_exchange_queued(exchange) == 0) {
        exchange->written.watched = false;
    }
    if (!exchange->finished) {
        exchange->events->writable(exchange->context);
    } else if (ce_exchange_queued(exchange) == 0) {
        complete(exchange);
    }
}

static void on_event(struct bufferevent *bev, short what, void *context) {
    (void)bev;
    if ((what & BEV_EVENT_CONNECTED) == 0) {
        ce_connection_ended(context);
    }
}

void ce_exchange_take_over(struct evhttp_request *stand_in, void *http) {
    (void)http;
    ce_exchange *exchange = ce_connection_of(evhttp_request_get_connection(stand_in));
    exchange->evcon = evhttp_request_get_connection(stand_in);
    exchange->stand_in = stand_in;
    bufferevent_setcb(exchange->bev, NULL, on_writable, on_event, exchange);
    bufferevent_setwatermark(exchange->bev, EV_WRITE, CE_OUTPUT_LOW, 0);
    ce_connection_take_over_reading(exchange);
}

void ce_exchange_begin(ce_exchange *exchange) {
    ce_http *http = exchange->http;
    const ce_request *request = ce_request_parser_request(exchange->parser);
    bool refused = exchange->refusal.status != 0;
    exchange->phase = CE_PHASE_ANSWERING;
    exchange->requests += 1;
    exchange->body_ended = refused;
    exchange->reading = exchange->close_after = exchange->finished = exchange->client_lost = exchange->broken = false;
    exchange->client_closes = refused || request->close;
    exchange->continue_due = !refused && request->expects_continue;
    exchange->body_bytes = 0;
    exchange->body.watched = exchange->written.watched = false;
    bool has_body = !refused && request->framing != CE_FRAMING_NONE
        && !(request->framing == CE_FRAMING_LENGTH && request->content_length == 0);
    ce_connection_update_backpressure(exchange);
    if (exchange->half_closed) {
        ce_connection_limit_at_most(exchange, CE_HALF_CLOSED_LOOK_MS);
    }
    http->on_request(http->context, exchange, refused ? NULL : request, refused ? &exchange->refusal : NULL);
    if (!refused && !has_body) {
        size_t consumed;
        ce_request_parser_feed(exchange->parser, NULL, 0, &consumed);
        exchange->body_ended = true;
    }
}

void ce_exchange_accept(ce_exchange *exchange, const ce_exchange_events *events, void *context) {
    exchange->events = events;
    exchange->context = context;
}

void ce_exchange_close_after(ce_exchange *exchange) {
    exchange->close_after = true;
}

/* Straight to TLS while nothing waits: one record and one write for a small response, and no copy.
 * What the socket does not take goes through the bufferevent as usual. */
static size_t write_now(ce_exchange *exchange, const uint8_t *bytes, size_t count) {
    size_t sent = 0;
    while (sent < count) {
        size_t part = count - sent > INT_MAX ? INT_MAX : count - sent;
        ce_forget_errors();
        int written = SSL_write(exchange->ssl, bytes + sent, (int)part);
        if (written <= 0) {
            int error = SSL_get_error(exchange->ssl, written);
            if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ) {
                exchange->broken = true;
                event_active(exchange->work, EV_TIMEOUT, 0);
            }
            break;
        }
        sent += (size_t)written;
    }
    return sent;
}

size_t ce_exchange_write(ce_exchange *exchange, const uint8_t *bytes, size_t count) {
    if (exchange->phase != CE_PHASE_ANSWERING || exchange->broken || exchange->events == NULL) {
        return 0;
    }
    size_t sent = ce_exchange_queued(exchange) == 0 ? write_now(exchange, bytes, count) : 0;
    if (sent == count || exchange->broken) {
        return ce_exchange_queued(exchange);
    }
    evbuffer_add(bufferevent_get_output(exchange->bev), bytes + sent, count - sent);
    bufferevent_enable(exchange->bev, EV_WRITE);
    ce_exchange_watch_written(exchange);
    return ce_exchange_queued(exchange);
}

/* Holds back what is written, to make fewer packets of it, or lets it go. A FIN lets it go too. */
static void hold(ce_exchange *exchange, int on) {
    setsockopt(bufferevent_getfd(exchange->bev), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

void ce_exchange_finish(ce_exchange *exchange, const uint8_t *bytes, size_t count) {
    /* close_notify and the FIN behind the response's end would each be a packet of its own. */
    bool held = count > 0 && ce_exchange_queued(exchange) == 0 && must_close(exchange);
    if (held) {
        hold(exchange, 1);
    }
    if (count > 0) {
        ce_exchange_write(exchange, bytes, count);
    }
    exchange->finished = true;
    bool whole = ce_exchange_queued(exchange) == 0;
    if (held && (!whole || !must_close(exchange))) {
        hold(exchange, 0);
    }
    if (exchange->broken) {
        ce_connection_kill(exchange);
    } else if (whole) {
        complete(exchange);
    }
}

void ce_exchange_abort(ce_exchange *exchange) {
    ce_connection_kill(exchange);
}

void ce_exchange_read(ce_exchange *exchange) {
    if (exchange->body_ended || exchange->client_lost) {
        return;
    }
    exchange->reading = true;
    if (exchange->continue_due) {
        exchange->continue_due = false;
        ce_exchange_write(exchange, (const uint8_t *)continue_head, sizeof continue_head - 1);
    }
    ce_exchange_watch_body(exchange);
    event_active(exchange->work, EV_TIMEOUT, 0);
}

void ce_exchange_pause(ce_exchange *exchange) {
    exchange->reading = exchange->body.watched = false;
}

void ce_exchange_body_bytes(ce_exchange *exchange, const uint8_t *bytes, size_t count) {
    exchange->body_bytes += count;
    if (exchange->events != NULL) {
        exchange->events->body(exchange->context, bytes, count);
    }
}

void ce_exchange_body_ended(ce_exchange *exchange) {
    exchange->body_ended = true;
    exchange->reading = false;
    if (exchange->events != NULL) {
        exchange->events->body_end(exchange->context);
    }
}

void ce_exchange_peer(const ce_exchange *exchange, char text[46]) {
    char *address = NULL;
    ev_uint16_t port = 0;
    evhttp_connection_get_peer(exchange->evcon, &address, &port);
    if (address == NULL) {
        address = "";
    } else if (strncmp(address, "::ffff:", 7) == 0 && strchr(address, '.') != NULL) {
        /* RFC 4291 2.5.5.2: an IPv4 client at a socket for both. */
        address += 7;
    }
    strncpy(text, address, 45);
    text[45] = '\0';
}
