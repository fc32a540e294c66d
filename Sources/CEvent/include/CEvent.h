/* The C world as Swift sees it: opaque structs and ce_ functions. No libevent, curl or OpenSSL header is included here.
 *
 * Threads: everything but ce_loop_wake belongs to the thread that polls the loop.
 * Lifetimes: what has a `done` event is given back in it, exactly once; the rest has a _free function. */
#ifndef CEVENT_H
#define CEVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ce_loop ce_loop;
typedef struct ce_timer ce_timer;
typedef struct ce_signal ce_signal;
typedef struct ce_tls ce_tls;
typedef struct ce_gate ce_gate;
typedef struct ce_http ce_http;
typedef struct ce_exchange ce_exchange;
typedef struct ce_pool ce_pool;
typedef struct ce_transfer ce_transfer;

/* Why a call failed, in words for an operator. Empty when it did not. */
typedef struct ce_error {
    char reason[256];
} ce_error;

/* ---- messages: a head is its bytes and where each part stands in them ---- */

typedef struct ce_span {
    uint32_t offset, length;
} ce_span;

typedef struct ce_field {
    ce_span name, value;
} ce_field;

typedef struct ce_header_block {
    const uint8_t *bytes; /* every span below is inside these */
    size_t length;
    const ce_field *fields;
    size_t field_count;
} ce_header_block;

/* ---- gate.c: a strict RFC 9112 request parser; a pure state machine ---- */

typedef enum ce_framing { CE_FRAMING_NONE, CE_FRAMING_LENGTH, CE_FRAMING_CHUNKED } ce_framing;

typedef struct ce_gate_limits {
    uint32_t head_bytes; /* request line and fields together */
    uint32_t target_bytes;
    uint32_t fields;
    uint32_t chunk_line_bytes; /* a chunk-size line with its extensions; also each trailer section line */
} ce_gate_limits;

/* A request head that passed. Valid until the next ce_gate_feed. */
typedef struct ce_request {
    ce_header_block head;
    ce_span method;
    ce_span target; /* origin-form or `*`; of an absolute-form target only its path and query (RFC 9112 3.2.2) */
    ce_framing framing;
    uint64_t content_length; /* with CE_FRAMING_LENGTH */
    bool http_1_0;
    bool close; /* the client wants the connection closed after this request, or is HTTP/1.0 */
    bool expects_continue;
} ce_request;

typedef enum ce_gate_event {
    CE_GATE_MORE,    /* all bytes consumed, nothing to report yet */
    CE_GATE_HEAD,    /* a request head is complete: ce_gate_request */
    CE_GATE_BODY,    /* ce_gate_body holds the next bytes of its body (a span of the bytes fed: no copy) */
    CE_GATE_END,     /* the request is complete; the next byte begins another one */
    CE_GATE_REFUSED, /* ce_gate_refusal says why; the gate consumes nothing any more */
} ce_gate_event;

typedef struct ce_refusal {
    int status;         /* 400 414 417 431 501 503 505; 503 when memory ran out */
    const char *rule;   /* a short stable name for metrics and tests, e.g. "two-content-lengths" */
    const char *reason; /* a sentence for the client, with what to do */
    uint32_t number;    /* the rule's place in the table, to count by */
} ce_refusal;

/* The table of rules by number, from 1; number 0 is no rule. */
uint32_t ce_rule_count(void);
const char *ce_rule_name(uint32_t number);

ce_gate *ce_gate_new(const ce_gate_limits *limits);
void ce_gate_free(ce_gate *gate);
/* Consumes a prefix of `bytes`, says in *consumed how much, and reports one event. Call again with the rest. */
ce_gate_event ce_gate_feed(ce_gate *gate, const uint8_t *bytes, size_t count, size_t *consumed);
const ce_request *ce_gate_request(const ce_gate *gate);
ce_span ce_gate_body(const ce_gate *gate); /* offset is into the bytes given to the feed that reported it */
ce_refusal ce_gate_refusal(const ce_gate *gate);
/* True between two requests, when no byte of a next one has come: the connection is idle. */
bool ce_gate_is_idle(const ce_gate *gate);
/* Gives back memory that an unusually large head took. Call between requests. */
void ce_gate_trim(ce_gate *gate);

/* ---- loop.c: one event base, its timers and its signals ---- */

typedef void (*ce_callback)(void *context);

ce_loop *ce_loop_new(void);
/* Whether this process has made one. */
bool ce_loop_exists(void);
void ce_loop_free(ce_loop *loop);
/* One poll: if `wait`, sleeps until something happens; then runs the callbacks of what did. */
void ce_loop_poll(ce_loop *loop, bool wait);
/* Ends the sleep of ce_loop_poll. The one call that any thread may make. */
void ce_loop_wake(ce_loop *loop);

ce_timer *ce_timer_new(ce_loop *loop, ce_callback fire, void *context);
void ce_timer_start(ce_timer *timer, uint64_t milliseconds);
void ce_timer_stop(ce_timer *timer);
void ce_timer_free(ce_timer *timer);

ce_signal *ce_signal_new(ce_loop *loop, int number, ce_callback fire, void *context);
void ce_signal_free(ce_signal *signal);

/* ---- tls.c: the server's certificate and protocol settings ---- */

/* NULL and a reason when a file is missing, unreadable, expired, not yet valid, or the key is another certificate's. */
ce_tls *ce_tls_new(const char *certificate_path, const char *key_path, ce_error *error);
/* A certificate for `localhost` and 127.0.0.1 that exists only in this process. */
ce_tls *ce_tls_new_self_signed(ce_error *error);
/* Connections that use it go on with it. */
void ce_tls_free(ce_tls *tls);
/* The leaf's end of validity, in seconds since 1970. */
int64_t ce_tls_expires(const ce_tls *tls);
/* The leaf as PEM, for clients that shall trust exactly it. Lives as long as `tls`. */
const char *ce_tls_pem(const ce_tls *tls);

/* ---- process.c ---- */

/* Keeps the process's memory, which holds tokens and keys, out of core dumps; if `from_debuggers`, also from others with the same
 * user (ptrace, /proc/PID/mem, environ, maps, fd). */
void ce_process_keep_private(bool from_debuggers);

/* ---- seed.c: random bytes that all workers have in common ---- */

enum { CE_DERIVED_BYTES = 64 };

/* Makes the seed, unless there is one: a parent does before it forks. */
void ce_seed_make(void);
/* The key for a purpose and a context, the same in every worker of one gateway. */
void ce_seed_derive(const char *purpose, const uint8_t *context, size_t length, uint8_t key[CE_DERIVED_BYTES]);

/* ---- port.c: a port that workers share ---- */

/* Takes the address for this process's children, exclusively, without listening: they listen with `shared`. Port 0 becomes the one
 * that was found. A descriptor, which holds it until it is closed, or -1 and a reason. */
int ce_port_hold(const char *address, uint16_t *port, ce_error *error);

/* ---- workers.c: what a parent of workers does ---- */

typedef struct ce_child_end {
    int32_t pid;
    int32_t code;   /* -1: it was ended by a signal */
    int32_t signal; /* 0: it ended by itself */
} ce_child_end;

/* From here on SIGHUP, SIGINT, SIGTERM and SIGCHLD wait until they are read from the descriptor that this gives; -1: errno. */
int ce_parent_signals(void);
/* The next of them, or 0. */
int ce_parent_next_signal(int fd);
/* Forks; 0 in the child, where the parent's signals wait still, and which ends with its parent. -1: errno, EBUSY if this process has a
 * loop, which cannot be shared. *line is a pipe from the child to the parent, in each its own end; it never waits. */
int32_t ce_fork(int *line);
/* Lets the signals come that waited since the fork: when there is somebody to hear them. */
void ce_child_hears_signals(void);
/* Collects a child that has ended, if one has. */
bool ce_child_ended(ce_child_end *end);
/* Such as `SEGV`. */
const char *ce_signal_name(int number);
/* How many processors this process may run on. */
uint32_t ce_processors(void);

/* ---- http.c, exchange.c: the HTTPS server ---- */

typedef struct ce_http_limits {
    ce_gate_limits gate;
    uint32_t connections;
    uint32_t connections_per_address; /* 0: no such limit; IPv6 addresses count by their /64 */
    uint32_t requests;                /* on one connection; 0: no such limit */
    uint32_t handshake_ms, head_ms, body_stall_ms, write_stall_ms, idle_ms;
} ce_http_limits;

/* A new request. A refused one has a refusal and no request: it is answered like any other, then its connection closes. */
typedef void (*ce_on_request)(void *context, ce_exchange *exchange, const ce_request *request,
                              const ce_refusal *refusal);

ce_http *ce_http_new(ce_loop *loop, ce_tls *tls, const ce_http_limits *limits, ce_on_request request, void *context,
                     ce_error *error);
/* Binds and listens, `shared` beside other workers of a parent that holds the port. `port` 0 takes a free one; returns the port, or 0
 * and a reason. */
uint16_t ce_http_listen(ce_http *http, const char *address, uint16_t port, bool shared, ce_error *error);
/* For connections that are accepted from now on. `tls` must live as long as `http` or the next call. */
void ce_http_set_tls(ce_http *http, ce_tls *tls);
/* From now on; those of the gate for new connections, and times from where they next start. */
void ce_http_set_limits(ce_http *http, const ce_http_limits *limits);
/* A shutdown in three steps. 1: every answer says `Connection: close`; new clients are still welcome. */
void ce_http_announce_drain(ce_http *http);
/* 2: new clients get no answer, and who has no request under way has a short time left to send one. */
void ce_http_leave(ce_http *http);
/* 3: closes the listener if nobody waits to be accepted any more, and says whether it is closed. */
bool ce_http_stop_listening(ce_http *http);
size_t ce_http_connection_count(const ce_http *http);

/* What servers have counted since they began. */
typedef struct ce_http_counts {
    uint64_t connections, connections_now; /* accepted; open */
    uint64_t refused_by_address;           /* the address had its share */
    uint64_t pauses_by_limit;              /* accepting stopped: `connections` are there, the next wait */
    uint64_t pauses_by_error;              /* accepting failed, for example without descriptors */
    uint64_t handshakes_full, handshakes_resumed;
    uint64_t handshakes_failed;          /* the connection ended before its handshake did */
    uint64_t handshakes_abandoned;       /* so too, and its client never sent a byte */
    uint64_t received_bytes, sent_bytes; /* on the wire, TLS included */
} ce_http_counts;

/* Adds what this server has counted. */
void ce_http_count(const ce_http *http, ce_http_counts *counts);
/* Closes every connection at once; each open exchange gets its `done` before this returns. */
void ce_http_free(ce_http *http);

typedef enum ce_gone {
    CE_GONE_HUNG_UP, /* the client closed the connection, or it broke */
    CE_GONE_BODY_REFUSED, /* its request's body is malformed or came too slowly: it may still be answered, with the refusal */
    CE_GONE_READ_STALLED, /* it took nothing of the answer for too long */
} ce_gone;

typedef struct ce_exchange_events {
    void (*body)(void *context, const uint8_t *bytes, size_t count);
    void (*body_end)(void *context);
    void (*writable)(void *context); /* what was queued has fallen below the low mark */
    void (*gone)(
        void *context, ce_gone why,
        const ce_refusal *refusal); /* at most once; `done` follows the finish or abort that must come after it */
    void (*done)(void *context, bool whole); /* the last event: the answer was handed to the kernel, or not */
} ce_exchange_events;

/* Must be called in the request callback. `context` is the callee's until `done`. */
void ce_exchange_accept(ce_exchange *exchange, const ce_exchange_events *events, void *context);
/* Starts or goes on giving `body` events, in a later poll. Answers `Expect: 100-continue` at the first call. */
void ce_exchange_read(ce_exchange *exchange);
void ce_exchange_pause(ce_exchange *exchange);
/* Whether the connection will close after this answer: the head must then say `Connection: close`. */
bool ce_exchange_closes(ce_exchange *exchange);
/* Asks for the connection to be closed after this answer. */
void ce_exchange_close_after(ce_exchange *exchange);
/* Queues bytes of the answer, head included, framed by the caller; returns how many bytes wait for the client. */
size_t ce_exchange_write(ce_exchange *exchange, const uint8_t *bytes, size_t count);
/* How many bytes wait for the client. */
size_t ce_exchange_queued(const ce_exchange *exchange);
/* The answer is complete with these bytes, which may be none. */
void ce_exchange_finish(ce_exchange *exchange, const uint8_t *bytes, size_t count);
/* Gives up: closes the connection so that the client cannot take the answer for whole (no close_notify). */
void ce_exchange_abort(ce_exchange *exchange);
/* The client's address as text, without port. */
void ce_exchange_peer(const ce_exchange *exchange, char text[46]);

/* ---- pool.c, transfer.c, dns.c: calls to the Hub ---- */

typedef struct ce_pool_options {
    const char *ca_file;    /* NULL: the system's store */
    const char *ca_pem;     /* NULL, or certificates to trust instead of a file */
    bool trust_anybody;     /* no verification: only for calls to ourselves that hold no secret */
    const char *dns_server; /* NULL: those of /etc/resolv.conf; else ip or ip:port */
    uint32_t connections;   /* to one origin at most */
} ce_pool_options;

ce_pool *ce_pool_new(ce_loop *loop, const ce_pool_options *options, ce_error *error);
/* Every transfer must have ended. */
void ce_pool_free(ce_pool *pool);

/* What a pool has counted since it began. A call is under way until its outcome is counted. */
typedef struct ce_pool_counts {
    uint64_t calls;
    uint64_t whole, unreachable, too_slow, broken, cancelled; /* calls by ce_outcome */
    uint64_t over_new, over_kept;        /* calls that went out over a new connection, over a kept one */
    uint64_t received_bytes, sent_bytes; /* of content */
} ce_pool_counts;

ce_pool_counts ce_pool_count(const ce_pool *pool);

typedef struct ce_call {
    const char *method;
    const char *url;       /* absolute; http or https */
    const uint8_t *fields; /* lines `name: value`, each ended by NUL; `Host` is not among them */
    size_t fields_length;
    const uint8_t *body; /* NULL: none, or streamed. Copied. */
    size_t body_length;
    bool streams_body;     /* the body follows by ce_transfer_send */
    int64_t stream_length; /* -1: not known; it is sent chunked */
    uint32_t connect_ms, first_byte_ms, stall_ms;
} ce_call;

typedef enum ce_outcome {
    CE_OUTCOME_WHOLE,       /* head and body arrived as announced */
    CE_OUTCOME_UNREACHABLE, /* no name, no route, refused, TLS failed, connect limit */
    CE_OUTCOME_TOO_SLOW,    /* first-byte or stall limit */
    CE_OUTCOME_BROKEN,      /* cut off, or not HTTP as a gateway may pass on */
    CE_OUTCOME_CANCELLED,
} ce_outcome;

typedef struct ce_transfer_events {
    /* What was queued by ce_transfer_send has fallen below the low mark. */
    void (*sendable)(void *context);
    void (*head)(void *context, int status, const ce_header_block *block);
    /* Returns false to leave these bytes for later: they come again after ce_transfer_resume. */
    bool (*body)(void *context, const uint8_t *bytes, size_t count);
    void (*done)(void *context, ce_outcome outcome, const char *reason); /* the last event */
} ce_transfer_events;

/* `done` comes for every transfer, never before this returns. */
ce_transfer *ce_transfer_start(ce_pool *pool, const ce_call *call, const ce_transfer_events *events, void *context);
void ce_transfer_resume(ce_transfer *transfer);
/* Queues bytes of a streamed body; returns how many wait for the other side. */
size_t ce_transfer_send(ce_transfer *transfer, const uint8_t *bytes, size_t count);
/* The streamed body is complete. */
void ce_transfer_send_end(ce_transfer *transfer);
/* `done` follows in a later poll, with CE_OUTCOME_CANCELLED. */
void ce_transfer_cancel(ce_transfer *transfer);

/* ---- digest.c ---- */

typedef enum ce_digest_algorithm { CE_DIGEST_SHA1, CE_DIGEST_SHA256 } ce_digest_algorithm;
#define CE_DIGEST_LONGEST 32

/* Writes the digest and returns its length; 0 when OpenSSL could not. */
size_t ce_digest(ce_digest_algorithm algorithm, const uint8_t *bytes, size_t count, uint8_t out[CE_DIGEST_LONGEST]);

/* HMAC with SHA-256 (RFC 2104). False when OpenSSL could not. */
bool ce_hmac_sha256(const uint8_t *key, size_t key_length, const uint8_t *bytes, size_t count, uint8_t out[32]);

/* Whether two runs of bytes are the same; takes as long for a wrong first byte as for a wrong last one. */
bool ce_same_bytes(const uint8_t *one, const uint8_t *other, size_t count);

/* ---- versions.c ---- */

/* For example "libevent 2.1.12-stable, libcurl 7.88.1, OpenSSL 3.0.22". */
void ce_versions(char *text, size_t capacity);

/* ---- yaml.c: the settings file, a flat mapping of scalars ---- */

/* Calls `entry` for each `key: value`, in order; both strings are valid during the call only. A null value is "".
 * Repeated keys are reported twice: the caller judges them. False at the first thing that is not such a mapping:
 * `error` says what and *error_line where, counted from 1. */
bool ce_yaml_scalars(const char *text, size_t length,
                     void (*entry)(void *context, const char *key, const char *value, int line), void *context,
                     ce_error *error, int *error_line);

#endif
