/* Private to CEvent: a client's connection and the one exchange that it can be at.
 *
 * evhttp accepts the connection, makes TLS with it, owns it and frees it. It never sees what a client sent: when the handshake is
 * done, its reading is off and it is given one constant stand-in request. It waits for the stand-in's answer for as long as the
 * connection lives: all its requests are read here, parsed strictly by the request parser, and answered here.
 * docs/decisions/0003-evhttp-behind-the-parser.md says why. */
#ifndef CE_CONNECTION_H
#define CE_CONNECTION_H

#include "CEvent.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/queue.h>

typedef enum ce_phase {
    CE_PHASE_HANDSHAKE,
    CE_PHASE_IDLE,      /* between requests */
    CE_PHASE_HEAD,      /* a part of a head has come */
    CE_PHASE_HANDED,    /* the request parser has let a request through, or refused one; it is about to begin */
    CE_PHASE_ANSWERING, /* the exchange is the callee's */
    CE_PHASE_LINGERING, /* answered; what still comes in is discarded so that the client can read the response */
    CE_PHASE_CLOSING,   /* to be freed in the next poll */
} ce_phase;

/* Watches that bytes go on, in one direction. */
typedef struct ce_progress {
    bool watched;
    uint64_t bytes;   /* at the last sign of progress */
    int64_t since_ms; /* when that was */
} ce_progress;

struct ce_exchange {
    ce_http *http;
    struct bufferevent *bev;
    SSL *ssl;
    /* All three known from the handshake's end on; the stand-in is freed with the connection. */
    struct evhttp_connection *evcon;
    struct evhttp_request *stand_in;
    struct event *readable; /* before, the bufferevent reads */
    ce_request_parser *parser;
    struct evbuffer *waiting; /* not yet parsed; the bufferevent's input, which nothing else uses */
    struct event *deadline;
    struct event *work;
    int64_t due_ms;   /* 0: no limit runs */
    int64_t armed_ms; /* when `deadline` will fire; 0: it is not armed */
    uint64_t body_bytes;
    ce_progress body, written;
    uint32_t requests;
    uint32_t silent_records;    /* read, and without bytes of a request so far */
    struct ce_proxied *proxied; /* NULL: no PROXY header belongs to it */
    struct ce_address *address; /* counted since it was accepted; NULL before */
    ce_phase phase;
    ce_refusal refusal; /* status 0: none */

    const ce_exchange_events *events;
    void *context;
    uint64_t lingered;
    bool read_enabled; /* `readable` is added */
    bool read_due;     /* bytes that make no socket readable wait for the next turn */
    bool reading;      /* the callee wants body bytes */
    bool body_ended;
    bool continue_due; /* 100 (Continue) is expected and not yet sent */
    bool close_after;
    bool finished;
    bool client_closes;
    bool client_lost;
    bool broken;      /* a write failed; the callee learns it in the next poll */
    bool misbehaves;  /* it is cut off for its TLS records */
    bool half_closed; /* its client has ended its side, behind a whole request */
    bool probed;

    TAILQ_ENTRY(ce_exchange) next;
};

TAILQ_HEAD(ce_connections, ce_exchange);

/* Fewer bytes than this within a limit count as none: a byte now and then is no progress. It is looked at so many times in a limit,
 * which is passed by at most two such parts of it. */
enum { CE_PROGRESS_BYTES = 512, CE_PROGRESS_LOOKS = 16 };
/* How often it is looked whether a client that has ended its side has reset the connection: its socket would be readable all the time. */
enum { CE_HALF_CLOSED_LOOK_MS = 250 };
enum { CE_ADDRESS_BUCKETS = 1024, CE_LISTENERS = 16 };
/* How long a leaving server waits for a kept connection's next request, and for a handshake or a head to be completed. */
enum { CE_LEAVING_LINGER_MS = 500, CE_LEAVING_IDLE_MS = 500, CE_LEAVING_BEGUN_MS = 1500 };

/* How many connections an address has. */
struct ce_address {
    uint8_t key[16];
    uint32_t connections;
    LIST_ENTRY(ce_address) next;
};
LIST_HEAD(ce_addresses, ce_address);

/* An address that a server listens on. */
typedef struct ce_listening {
    struct evconnlistener *listener;
    struct evhttp_bound_socket *bound;
} ce_listening;

struct ce_http {
    ce_loop *loop;
    ce_tls *tls;
    struct evhttp *server;
    ce_listening listening[CE_LISTENERS];
    size_t listening_count; /* 0: closed */
    struct event *listen_again;
    struct ce_connections connections;
    size_t connection_count;
    struct ce_addresses addresses[CE_ADDRESS_BUCKETS];
    uint8_t address_seed[16];
    ce_network *proxies; /* whose word on where a client is counts */
    size_t proxy_count;
    bool proxies_send_headers; /* the PROXY protocol's, before TLS */
    ce_http_limits limits;
    ce_on_request on_request;
    void *context;
    ce_http_counts counts; /* of what has ended; ce_http_count adds what goes on */
    bool draining;         /* every answer closes its connection */
    bool leaving;          /* who has no request under way is let go */
    LIST_ENTRY(ce_http) next_server;
};

typedef LIST_HEAD(ce_servers, ce_http) ce_servers;
extern ce_servers ce_all_servers;

/* listening.c: accepts at all addresses, or at none for the time being. */
void ce_listening_set(ce_http *http, bool accepts);
/* After a pause. */
void ce_listening_again(evutil_socket_t fd, short what, void *http);

/* More than this waits unparsed only while TLS delivers one last record: reading stops above it. */
enum {
    CE_WAITING_HIGH = 64 * 1024,
    CE_OUTPUT_LOW = 16 * 1024,
    CE_LINGER_BYTES = 64 * 1024 * 1024,
    CE_LINGER_MS = 5000
};

struct bufferevent *ce_connection_new(struct event_base *base, void *http);
ce_exchange *ce_connection_of(struct evhttp_connection *evcon);
/* Where an SSL keeps its connection. OpenSSL frees the connection with the SSL: the one reliable sign that it is gone. */
int ce_connection_index(void);
/* Whom a connection is from: whom a trusted proxy names in its PROXY header, else who connected. False where the kernel does not say. */
bool ce_connection_client(const ce_exchange *connection, ce_ip *client);
/* Whether a PROXY header has to come before anything else; then the connection goes on, or ends, when it is there. */
bool ce_proxied_begin(ce_exchange *connection);
void ce_proxied_free(ce_exchange *connection);
/* False where no proxy has named one. */
bool ce_proxied_client(const ce_exchange *connection, ce_ip *client);
/* Counts the connection for its address, and goes on with TLS or turns it away. */
void ce_connection_admit(ce_exchange *connection);
/* Ends a connection before OpenSSL has read a byte of it. */
void ce_connection_turn_away(ce_exchange *connection);
/* Counts the connection for its address; false if that has too many. Proxies have no such limit. */
bool ce_address_enter(ce_exchange *connection);
void ce_address_leave(ce_exchange *connection);
void ce_connection_handshake_done(ce_exchange *connection);
/* Has the connections of a context count their TLS records; who sends too many without a byte in them is cut off. */
void ce_connection_count_records(SSL_CTX *context);
/* The last record was of use. */
void ce_connection_record_had_bytes(ce_exchange *connection);
/* Adds the bytes that have gone over its wire so far. */
void ce_connection_count_bytes(const ce_exchange *connection, ce_http_counts *counts);
bool ce_connection_is_live(ce_exchange *connection);
void ce_connection_on_deadline(evutil_socket_t fd, short what, void *connection);
/* Has what breaks HTTP answered with the refusal, in its turn. */
void ce_connection_refuse(ce_exchange *connection, ce_refusal refusal);
/* Parses what waits, as far as the phase allows. */
void ce_connection_parse_pending(ce_exchange *connection);
/* Reads on unless enough waits. */
void ce_connection_update_backpressure(ce_exchange *connection);
/* Takes what the client sent, as far as the phase allows; the rest waits. */
void ce_connection_on_bytes(ce_exchange *connection, const uint8_t *bytes, size_t count);
/* Gives evhttp the one request that it sees of the connection. */
void ce_connection_stand_in(ce_exchange *connection);
/* Reads from here on without the bufferevent. */
void ce_connection_take_over_reading(ce_exchange *connection);
/* Reads what is there, as much as one turn of the loop may take. */
void ce_connection_read(ce_exchange *connection);
/* Goes on reading, or stops. */
void ce_connection_set_reading(ce_exchange *connection, bool read_enabled);
/* To be called before OpenSSL is, whose SSL_get_error takes an older error for a new one. To look is cheaper than to clear. */
static inline void ce_forget_errors(void) {
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
}
/* The client is gone, or will send no more. */
void ce_connection_ended(ce_exchange *connection);
/* The client will send no more, and may yet read. */
void ce_connection_half_closed(ce_exchange *connection);
/* Whether somebody may still read what is sent on a half-closed connection. */
bool ce_connection_is_read(ce_exchange *connection);
void ce_connection_limit(ce_exchange *connection, uint32_t milliseconds);
/* The same, unless an earlier end is set. */
void ce_connection_limit_at_most(ce_exchange *connection, uint32_t milliseconds);
int64_t ce_connection_now_ms(void);
/* Sets the limit of a connection that has no request under way. */
void ce_connection_limit_wait(ce_exchange *connection);
/* Closes an idle connection in order. */
void ce_connection_close_idle(ce_exchange *connection);
/* Frees the connection in a later poll; ends its exchange at once. */
void ce_connection_kill(ce_exchange *connection);

/* evhttp's callback for the stand-in: takes the connection over. */
void ce_exchange_take_over(struct evhttp_request *stand_in, void *http);
/* Hands the request that the request parser has let through, or refused, to the callee. */
void ce_exchange_begin(ce_exchange *exchange);
void ce_exchange_end(ce_exchange *exchange, bool whole);
void ce_exchange_client_lost(ce_exchange *exchange, ce_client_lost why);
/* From here on it is looked whether the body comes in, and whether what waits goes out. */
void ce_exchange_watch_body(ce_exchange *exchange);
void ce_exchange_watch_written(ce_exchange *exchange);
/* The time for such a look has come. */
void ce_exchange_limit_passed(ce_exchange *exchange);
void ce_exchange_body_bytes(ce_exchange *exchange, const uint8_t *bytes, size_t count);
void ce_exchange_body_ended(ce_exchange *exchange);

#endif
