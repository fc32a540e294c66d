/* pool.c, transfer.c: calls to other servers, by HTTP/1.1 */
#ifndef CEVENT_CE_CLIENT_H
#define CEVENT_CE_CLIENT_H

#include "ce_loop.h"

typedef struct ce_pool_options {
    const char *ca_file;     /* NULL: the system's store */
    const char *ca_pem;      /* NULL, or certificates to trust instead of a file */
    bool skips_verification; /* no verification: only for calls to ourselves that hold no secret */
    const char *dns_server;  /* NULL: those of /etc/resolv.conf; else ip or ip:port */
    uint32_t connections;    /* idle ones that are kept for one origin; how many calls there are is not limited here */
} ce_pool_options;

ce_pool *ce_pool_new(ce_loop *loop, const ce_pool_options *options, ce_error *error);
/* Every transfer must have ended. */
void ce_pool_free(ce_pool *pool);

/* An HTTP proxy that calls go through, each by a tunnel (RFC 9110 9.3.6). */
typedef struct ce_proxy_options {
    const char *host; /* a name or an address; IPv6 without brackets */
    uint16_t port;
    const char *authorization; /* NULL, or the value of Proxy-Authorization; without a control character */
    /* Whether a server is called through it. Asked once for each origin; it may call nothing of the pool. */
    bool (*serves)(void *context, const char *host, uint16_t port, bool tls);
    void *context;
} ce_proxy_options;

/* For the calls that begin from now on; NULL: there is none. Connections that went another way are not used again. */
void ce_pool_use_proxy(ce_pool *pool, const ce_proxy_options *options);

/* What a pool has counted since it began. A call is under way until its outcome is counted. */
typedef struct ce_pool_counts {
    uint64_t calls;
    uint64_t complete, unreachable, too_slow, broken, cancelled; /* calls by ce_outcome */
    uint64_t over_new, over_kept;        /* calls that went out over a new connection, over a kept one */
    uint64_t received_bytes, sent_bytes; /* of content */
} ce_pool_counts;

ce_pool_counts ce_pool_count(const ce_pool *pool);

typedef struct ce_call {
    const char *method;
    const char *url;    /* absolute; http or https */
    const char *target; /* appended to the URL, so that the caller need not join the two; may be empty */
    const uint8_t
        *fields; /* lines `name: value`, each ended by NUL, without CR or LF; `Host` is not among them, and what
                            * frames the body is left out */
    size_t fields_length;
    const uint8_t *body; /* NULL: none, or streamed. Copied. */
    size_t body_length;
    bool streams_body;     /* the body follows by ce_transfer_send */
    int64_t stream_length; /* -1: not known; it is sent chunked */
    uint32_t connect_ms, first_byte_ms, stall_ms;
} ce_call;

typedef enum ce_outcome {
    CE_OUTCOME_COMPLETE,    /* head and body arrived as announced */
    CE_OUTCOME_UNREACHABLE, /* no name, no route, refused, TLS failed, connect limit */
    CE_OUTCOME_TOO_SLOW,    /* first-byte or stall limit */
    CE_OUTCOME_BROKEN,      /* cut off, or not HTTP as a gateway may pass on */
    CE_OUTCOME_CANCELLED,
    /* Unreachable too, by the proxy's fault: */
    CE_OUTCOME_PROXY_UNREACHABLE, /* no name, no route, refused, connect limit */
    CE_OUTCOME_PROXY_CREDENTIALS, /* 407 */
    CE_OUTCOME_PROXY_REFUSED,     /* any other 4xx, or a redirect */
    CE_OUTCOME_PROXY_FAILED,      /* 5xx, no answer, or none that can be read */
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
/* The socket that the content goes on to, or -1: far more than it has room for is not read. A socket that is closed meanwhile, or
 * another's, only makes a wrong guess. */
void ce_transfer_flows_to(ce_transfer *transfer, int socket);
/* Reads no more until ce_transfer_resume. What has been read already may still come. */
void ce_transfer_pause(ce_transfer *transfer);
void ce_transfer_resume(ce_transfer *transfer);
/* Queues bytes of a streamed body; returns how many wait for the other side. */
size_t ce_transfer_send(ce_transfer *transfer, const uint8_t *bytes, size_t count);
/* The streamed body is complete. */
void ce_transfer_send_end(ce_transfer *transfer);
/* `done` follows in a later poll, with CE_OUTCOME_CANCELLED. */
void ce_transfer_cancel(ce_transfer *transfer);

#endif
