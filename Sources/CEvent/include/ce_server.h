/* The HTTPS server, and its certificate. */
#ifndef CEVENT_CE_SERVER_H
#define CEVENT_CE_SERVER_H

#include "ce_ip.h"
#include "ce_loop.h"
#include "ce_request_parser.h"

/* ---- tls.c: the server's certificate and protocol settings ---- */

/* NULL and a reason when a file is missing, unreadable, expired, not yet valid, the key another certificate's or an RSA key too short, or when
 * a client cannot make a handshake with them: one is tried in memory. */
ce_tls *ce_tls_new(const char *certificate_path, const char *key_path, ce_error *error);
/* A certificate for `localhost` and 127.0.0.1 that exists only in this process. */
ce_tls *ce_tls_new_self_signed(ce_error *error);
/* Connections that use it go on with it. */
void ce_tls_free(ce_tls *tls);
/* The leaf's end of validity, in seconds since 1970. */
int64_t ce_tls_expires(const ce_tls *tls);
/* The leaf as PEM, for clients that shall trust exactly it. Lives as long as `tls`. */
const char *ce_tls_pem(const ce_tls *tls);

/* What is wrong with the chain and may keep some clients away: a line each, no line end after the last. Lives as long as `tls`. */
const char *ce_tls_warnings(const ce_tls *tls);
/* The number of the epoch in which session tickets are encrypted at a time in seconds: those of it and of the one before are taken. */
int64_t ce_ticket_epoch(int64_t seconds);
/* The name of an epoch's key, for the certificate whose public key has this digest. */
void ce_ticket_name(const uint8_t identity[32], int64_t epoch, uint8_t name[16]);

/* ---- http.c, connection*.c, exchange*.c: the HTTPS server ---- */

typedef struct ce_http_limits {
    ce_request_parser_limits parser;
    uint32_t connections;
    uint32_t connections_per_address; /* 0: no such limit; IPv6 addresses count by their /64 */
    uint32_t requests;                /* on one connection; 0: no such limit */
    uint32_t handshake_ms, head_ms, body_stall_ms, idle_ms;
    /* How long the reading of a response may stand still: where more than half of `connections` are taken, and elsewhere. */
    uint32_t write_stall_ms, write_pause_ms;
} ce_http_limits;

/* A new request. A refused one has a refusal and no request: it is answered like any other, then its connection closes. */
typedef void (*ce_on_request)(void *context, ce_exchange *exchange, const ce_request *request,
                              const ce_refusal *refusal);

ce_http *ce_http_new(ce_loop *loop, ce_tls *tls, const ce_http_limits *limits, ce_on_request request, void *context,
                     ce_error *error);
/* Proxies that are trusted to name a client's address: their own connections are not counted by address. `send_headers`: each begins with a header of
 * the PROXY protocol. For connections that are accepted from now on. */
void ce_http_set_proxies(ce_http *http, const ce_network *proxies, size_t count, bool send_headers);
/* May be called for several addresses, as ce_http_adopt may. Binds and listens. `port` 0 takes a free one; returns the port, or 0 and a reason. */
uint16_t ce_http_listen(ce_http *http, const char *address, uint16_t port, ce_error *error);
/* Listens on a copy of a socket of ce_port_join. Returns the port, or 0 and a reason. */
uint16_t ce_http_adopt(ce_http *http, int joined, ce_error *error);
/* For connections that are accepted from now on. `tls` must live as long as `http` or the next call. */
void ce_http_set_tls(ce_http *http, ce_tls *tls);
/* From now on; those of the request parser for requests that have not begun, and times from where they next start. */
void ce_http_set_limits(ce_http *http, const ce_http_limits *limits);
/* A shutdown in three steps. 1: every response says `Connection: close`; new clients are still welcome. */
void ce_http_announce_drain(ce_http *http);
/* 2: new clients get no response, and connections without a request under way have a short time left to send one. */
void ce_http_stop_accepting(ce_http *http);
/* 3: closes the listener if no client waits to be accepted any more, and says whether it is closed. */
bool ce_http_stop_listening(ce_http *http);
size_t ce_http_connection_count(const ce_http *http);

/* What servers have counted since they began. */
typedef struct ce_http_counts {
    uint64_t connections, connections_now; /* accepted; open */
    uint64_t refused_by_address;           /* the address had its share */
    uint64_t cut_by_records;               /* too many TLS records without a byte of a request */
    uint64_t proxy_headers;                /* of the PROXY protocol, taken */
    uint64_t proxy_headers_malformed, proxy_headers_late;
    uint64_t pauses_by_limit;      /* accepting stopped: `connections` are there, the next wait */
    uint64_t pauses_by_handshakes; /* so many were under way that the next wait a little */
    uint64_t pauses_by_error;      /* accepting failed, for example without descriptors */
    uint64_t handshakes_full, handshakes_resumed;
    uint64_t handshakes_failed;          /* the connection ended before its handshake did */
    uint64_t handshakes_abandoned;       /* so too, and its client never sent a byte */
    uint64_t received_bytes, sent_bytes; /* on the wire, TLS included */
} ce_http_counts;

/* Adds what this server has counted. */
void ce_http_count(const ce_http *http, ce_http_counts *counts);
/* Closes every connection at once; each open exchange gets its `done` before this returns. */
void ce_http_free(ce_http *http);

typedef enum ce_client_lost {
    CE_CLIENT_LOST_HUNG_UP, /* the client closed the connection, or it broke */
    CE_CLIENT_LOST_BODY_REFUSED, /* its request's body is malformed or came too slowly: it may still be answered, with the refusal */
    CE_CLIENT_LOST_READ_STALLED, /* it took nothing of the response for too long */
} ce_client_lost;

typedef struct ce_exchange_events {
    void (*body)(void *context, const uint8_t *bytes, size_t count);
    void (*body_end)(void *context);
    void (*writable)(void *context); /* what was queued has fallen below the low mark */
    void (*client_lost)(
        void *context, ce_client_lost why,
        const ce_refusal *refusal); /* at most once; `done` follows the finish or abort that must come after it */
    void (*done)(void *context, bool whole); /* the last event: the response was handed to the kernel, or not */
} ce_exchange_events;

/* Must be called in the request callback. `context` is the callee's until `done`. */
void ce_exchange_accept(ce_exchange *exchange, const ce_exchange_events *events, void *context);
/* Starts or goes on giving `body` events, in a later poll. Answers `Expect: 100-continue` at the first call. */
void ce_exchange_read(ce_exchange *exchange);
void ce_exchange_pause(ce_exchange *exchange);
/* Whether a body of that length, as the head has said it, is here whole, and nothing of it was given yet. */
bool ce_exchange_holds_body(const ce_exchange *exchange, size_t length);
/* Takes such a body at once, with no events. `into` has room for it. Returns its length. */
size_t ce_exchange_take_body(ce_exchange *exchange, uint8_t *into, size_t length);
/* Whether the connection will close after this response: the head must then say `Connection: close`. */
bool ce_exchange_closes(ce_exchange *exchange);
/* Asks for the connection to be closed after this response. */
void ce_exchange_close_after(ce_exchange *exchange);
/* Queues bytes of the response, head included, framed by the caller; returns how many bytes wait for the client. */
size_t ce_exchange_write(ce_exchange *exchange, const uint8_t *bytes, size_t count);
/* How many bytes wait for the client. */
size_t ce_exchange_queued(const ce_exchange *exchange);
int ce_exchange_socket(const ce_exchange *exchange);
/* The response is complete with these bytes, which may be none. */
void ce_exchange_finish(ce_exchange *exchange, const uint8_t *bytes, size_t count);
/* Gives up: closes the connection so that the client cannot take the response for whole (no close_notify). */
void ce_exchange_abort(ce_exchange *exchange);
/* The peer's address as text, without port. */
void ce_exchange_peer(const ce_exchange *exchange, char text[46]);
/* The client that a trusted proxy has named in its PROXY header; false where none has. */
bool ce_exchange_announced(const ce_exchange *exchange, ce_ip *client);

#endif
