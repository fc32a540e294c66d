/* Private to CEvent: a client's connection: its bytes, its TLS, its time limits.
 *
 * evhttp accepts the connection, makes TLS with it, owns it and frees it. It never sees what a client sent: when the handshake is
 * done, its reading is off and it is given one constant stand-in request. It waits for the stand-in's answer for as long as the
 * connection lives: all its requests are read here, parsed strictly by the request parser, and answered here.
 * docs/decisions/0003-evhttp-behind-the-parser.md says why. */
#ifndef CE_CONNECTION_H
#define CE_CONNECTION_H

#include "exchange.h"
#include "turns.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/queue.h>

typedef enum ce_connection_state {
    CE_CONNECTION_HANDSHAKE,
    CE_CONNECTION_OPEN,      /* how far its request is, the exchange's state says */
    CE_CONNECTION_LINGERING, /* the last response is out; what still comes in is discarded so that the client can read it */
    CE_CONNECTION_CLOSING, /* to be freed in the next poll */
} ce_connection_state;

/* The header of the PROXY protocol that has to come before TLS. */
typedef struct ce_proxied {
    struct event *readable; /* NULL: the header is read */
    ce_proxy_header header;
} ce_proxied;

typedef struct ce_unsent ce_unsent;

typedef struct ce_connection {
    ce_exchange exchange; /* the present one */
    ce_connection_state state;
    bool read_enabled; /* `readable` is added */
    bool read_stopped; /* `readable` is not added, until the long body has its turn */
    bool read_due;     /* bytes that make no socket readable wait for the next turn */
    bool tls_writes;   /* nothing is read until TLS has sent what it has to say */
    bool write_failed; /* the callee learns it in the next poll */
    bool misbehaves;   /* it is cut off for its TLS records */
    bool half_closed;  /* its client has ended its side, after a whole request */
    bool probed;       /* and was sent a record that shows whether it has left */
    bool wired;        /* its TLS moves bytes through connection_wire.c */
    bool gathers;      /* records are put together before they are sent */
    bool keeps_buffer; /* OpenSSL keeps its memory from one record to the next */
    ce_http *http;
    struct bufferevent *bev;
    SSL *ssl;
    struct evhttp_connection *evcon; /* from the handshake's end on */
    struct event *readable;          /* so too: before, the bufferevent reads */
    struct evbuffer *waiting;        /* not yet parsed; the bufferevent's input, which nothing else uses */
    struct event *deadline, *work;
    ce_turn turn;     /* of a long body */
    int64_t due_ms;   /* 0: no limit runs */
    int64_t armed_ms; /* when `deadline` will fire; 0: it is not armed */
    uint64_t lingered;
    uint64_t sent, received; /* bytes on the wire, once it is wired */
    ce_unsent *unsent;       /* records that the socket did not take; NULL: none */
    uint32_t requests;
    uint32_t sizing, records;   /* the request for whose response TLS records are counted, and their number so far */
    uint32_t silent_records;    /* read, and without bytes of a request so far */
    ce_proxied *proxied;        /* NULL: no PROXY header belongs to it */
    struct ce_address *address; /* counted since it was accepted; NULL before */
    void *attachment;           /* the callee's; NULL: none */
    void (*release_attachment)(void *attachment);
    TAILQ_ENTRY(ce_connection) next;
} ce_connection;

TAILQ_HEAD(ce_connections, ce_connection);

/* Fewer bytes than this within a limit count as none: a byte now and then is no progress. Progress is checked so many times within a limit,
 * which is exceeded by at most two such intervals. */
enum { CE_PROGRESS_BYTES = 512, CE_PROGRESS_LOOKS = 16 };
/* How often a client that has ended its side is checked for a reset: its socket would be readable all the time. */
enum { CE_HALF_CLOSED_LOOK_MS = 250 };
enum { CE_ADDRESS_BUCKETS = 1024, CE_LISTENERS = 16 };
/* How long a stopping server waits for a kept connection's next request, and for a handshake or a head to be completed. */
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

/* Records of one write of one connection; empty between two. */
typedef struct ce_gathered_records {
    size_t count;
    uint8_t bytes[4 * (SSL3_RT_MAX_PLAIN_LENGTH + 64)];
} ce_gathered_records;

struct ce_http {
    ce_loop *loop;
    ce_tls *tls;
    struct evhttp *server;
    ce_listening listening[CE_LISTENERS];
    size_t listening_count; /* 0: closed */
    struct event *listen_again;
    uint32_t accepted;         /* since `listen_again` fired last */
    uint32_t handshakes;       /* connections whose handshake is not done */
    bool waits_for_handshakes; /* accepts no more until some of these are over */
    struct ce_connections connections;
    size_t connection_count;
    struct ce_addresses addresses[CE_ADDRESS_BUCKETS];
    uint8_t address_seed[16];
    ce_network *proxies; /* trusted to name the addresses of their clients */
    size_t proxy_count;
    bool proxies_send_headers; /* the PROXY protocol's, before TLS */
    ce_http_limits limits;
    ce_parsers parsers;
    ce_on_request on_request;
    void *context;
    ce_http_counts counts; /* of what has ended; ce_http_count adds what goes on */
    bool draining;         /* every answer closes its connection */
    bool leaving;          /* connections without a request under way are closed soon */
    LIST_ENTRY(ce_http) next_server;
    ce_gathered_records gathered;
};

/* More bytes than this wait unparsed only while TLS delivers one last record: reading stops above it. */
enum {
    CE_WAITING_HIGH = 64 * 1024,
    CE_OUTPUT_LOW = 16 * 1024,
    CE_LINGER_BYTES = 64 * 1024 * 1024,
    CE_LINGER_MS = 5000
};

/* The arrows between the files lead downwards in this list, and from all of them to exchange.c; config/lint-c-layers.py holds it. */

/* ---- connection_records.c ---- */
/* Counts TLS records of a context's connections; one with too many records without a byte of a request is cut off. */
void ce_connection_count_records(SSL_CTX *context);

/* ---- connection.c: its life ---- */
struct bufferevent *ce_connection_new(struct event_base *base, void *http);
/* evhttp's callback for the stand-in: takes the connection over. */
void ce_connection_take_over(struct evhttp_request *stand_in, void *http);
/* NULL: the SSL has none yet. */
ce_connection *ce_connection_of(const SSL *ssl);
void ce_connection_handshake_done(ce_connection *connection);
/* Adds the bytes that have gone over its wire so far. */
void ce_connection_count_bytes(const ce_connection *connection, ce_http_counts *counts);

/* ---- connection_wire.c ---- */
/* From here on the connection's TLS reads and writes through this file. */
void ce_wire_take_over(ce_connection *connection);
/* Records that OpenSSL makes from here on are put together, until ce_wire_gather_no_more. Nothing else may happen meanwhile. */
void ce_wire_gather(ce_connection *connection);
/* Sends those. False: some are left, or the connection is broken. */
bool ce_wire_flush(ce_connection *connection);
void ce_wire_gather_no_more(ce_connection *connection);
/* Bytes that the socket did not take; and those are not sent any more. */
size_t ce_wire_unsent(const ce_connection *connection);
void ce_wire_drop(ce_connection *connection);

/* ---- listening.c ---- */
typedef LIST_HEAD(ce_servers, ce_http) ce_servers;
/* Every server of the process: evhttp, once it has a listener, gives its own address to the listener's callbacks. */
extern ce_servers ce_all_servers;
/* Accepts at all addresses, or at none for the time being. */
void ce_listening_set(ce_http *http, bool accepts);
/* A connection has come: pauses where more would be too many. */
void ce_listening_accepted(ce_http *http);
/* A connection's handshake is done, or will not be. */
void ce_listening_handshake_over(ce_http *http);
/* After a pause. */
void ce_listening_again(evutil_socket_t fd, short what, void *http);

/* ---- connection_proxied.c ---- */
/* Before TLS: reads the PROXY header, if one has to come, and counts the connection for its address: it continues or is turned away. */
void ce_connection_admit(ce_connection *connection);
void ce_proxied_free(ce_connection *connection);

/* ---- connection_read.c ---- */
/* Reads from here on without the bufferevent. */
void ce_connection_take_over_reading(ce_connection *connection);
/* Reads what is there, as much as one turn of the loop may take; a long body when it has its turn. */
void ce_connection_read(ce_connection *connection);
void ce_connection_take_turn(void *connection);

/* ---- connection_input.c ---- */
/* Takes what the client sent, as far as the exchange's state allows; the rest waits. */
void ce_connection_on_bytes(ce_connection *connection, const uint8_t *bytes, size_t count);
/* Parses what waits, as far as the exchange's state allows. */
void ce_connection_parse_pending(ce_connection *connection);
/* The time for a head has passed. */
void ce_connection_head_too_slow(ce_connection *connection);

/* ---- connection_exchange.c: also the functions of ce_server.h that need the connection of an exchange ---- */
void ce_connection_on_writable(struct bufferevent *bev, void *connection);

/* ---- connection_stall.c ---- */
/* From here on it is checked whether the body comes in, and whether queued bytes go out. */
void ce_connection_watch_body(ce_connection *connection);
void ce_connection_watch_written(ce_connection *connection);
/* The time for such a check has come. */
void ce_connection_look(ce_connection *connection);

/* ---- connection_half.c ---- */
/* The client will send no more, and may yet read. */
void ce_connection_half_closed(ce_connection *connection);
/* Whether the client of a half-closed connection may still read what is sent. */
bool ce_connection_is_read(ce_connection *connection);

/* ---- connection_close.c ---- */
/* Ends a connection before OpenSSL has read a byte of it. */
void ce_connection_turn_away(ce_connection *connection);
/* The client has gone, or no longer takes the response. */
void ce_connection_client_lost(ce_connection *connection, ce_client_lost why);
/* The client has gone, or will send no more. */
void ce_connection_ended(ce_connection *connection);
/* Closes after a whole response. `unread`: the client may still be sending. */
void ce_connection_close(ce_connection *connection, bool unread);
/* Closes an idle connection in order. */
void ce_connection_close_idle(ce_connection *connection);
/* Frees the connection in a later poll; ends its exchange at once. */
void ce_connection_kill(ce_connection *connection);

/* ---- connection_flow.c ---- */
/* Goes on reading, or stops. */
void ce_connection_set_reading(ce_connection *connection, bool read_enabled);
/* Reads on unless enough waits. */
void ce_connection_update_backpressure(ce_connection *connection);
/* Reads on in the next turn of the loop. */
void ce_connection_read_soon(ce_connection *connection);

/* ---- connection_limit.c ---- */
void ce_connection_limit(ce_connection *connection, uint32_t milliseconds);
/* The same, unless an earlier end is set. */
void ce_connection_limit_at_most(ce_connection *connection, uint32_t milliseconds);
/* Sets the limit of a connection that has no request under way. */
void ce_connection_limit_wait(ce_connection *connection);
/* The timer has fired: whether the time is up. */
bool ce_connection_limit_passed(ce_connection *connection);
int64_t ce_connection_now_ms(void);

/* ---- address.c ---- */
/* The client of a connection: the one that a trusted proxy names in its PROXY header, else the peer. False where the kernel does not say. */
bool ce_connection_client(const ce_connection *connection, ce_ip *client);
/* Counts the connection for its address; false if that has too many. Proxies have no such limit. */
bool ce_address_enter(ce_connection *connection);
void ce_address_leave(ce_connection *connection);

/* bufferevent_free takes the callbacks away at once and the rest in a later poll: between the two it must not be touched. */
static inline bool ce_connection_is_live(const ce_connection *connection) {
    bufferevent_event_cb on_event = NULL;
    bufferevent_getcb(connection->bev, NULL, NULL, &on_event, NULL);
    return on_event != NULL;
}

/* The client that a trusted proxy has named in its PROXY header; false where none has. */
static inline bool ce_connection_announced(const ce_connection *connection, ce_ip *client) {
    bool is_named = connection->proxied != NULL && connection->proxied->header.has_source;
    if (is_named) {
        *client = connection->proxied->header.source;
    }
    return is_named;
}

static inline void ce_connection_enter(ce_connection *connection, ce_connection_state state) {
    if (connection->state == CE_CONNECTION_HANDSHAKE) {
        ce_listening_handshake_over(connection->http);
    }
    connection->state = state;
}

/* Bytes that come in are not for an exchange any more. */
static inline bool ce_connection_discards(const ce_connection *connection) {
    return connection->state != CE_CONNECTION_OPEN || ce_exchange_discards(&connection->exchange);
}

/* How many bytes wait for the client. */
static inline size_t ce_connection_queued(const ce_connection *connection) {
    return evbuffer_get_length(bufferevent_get_output(connection->bev)) + ce_wire_unsent(connection);
}

static inline size_t ce_connection_waiting(const ce_connection *connection) {
    return evbuffer_get_length(connection->waiting);
}

/* To be called before OpenSSL is: SSL_get_error takes an older error as a new one. Checking is cheaper than clearing. */
static inline void ce_forget_errors(void) {
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
}

#endif
