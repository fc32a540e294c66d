/* Private to CEvent: one connection to another server as bytes, plain or TLS. libcurl makes it (connector.c) and closes it; in
 * between only channel.c reads and writes. */
#ifndef CE_CHANNEL_H
#define CE_CHANNEL_H

#include "CEvent.h"

#include "tunnel.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <sys/queue.h>
#include <sys/types.h>

typedef struct ce_connector ce_connector;

typedef struct ce_channel {
    ce_connector *connector;
    CURL *easy;                 /* NULL: closed */
    struct curl_slist *resolve; /* libcurl reads it until the connection is there */
    ce_tunnel *tunnel;          /* NULL: no proxy */
    const char *origin;         /* what the tunnel leads to; libcurl's once it is open */
    int fd;                     /* -1: not connected */
    SSL *ssl;                   /* NULL: plain; libcurl's */
    /* The connection is there, or why it is not, with `outcome`. Called outside libcurl, never before ce_connector_open returns. */
    ce_outcome outcome;
    void (*connected)(void *context, const char *fault);
    void *context;
    uint64_t written; /* bytes that the socket took */
    size_t budget;    /* as many more may be read from the socket in this turn */
    bool drained;     /* the socket had no more for now */
    bool has_more;    /* the last read stopped at its bound, and OpenSSL holds more */
    bool first_read;  /* still to be read by libcurl, which then keeps the TLS session for the next connection */
    unsigned messages, tickets; /* TLS messages after the handshake: tickets, and all others */
    bool flooded;               /* with those */
    bool lacks_socket;          /* while connecting: libcurl has none */
    TAILQ_ENTRY(ce_channel) next;
    char reason[CURL_ERROR_SIZE];
} ce_channel;

enum {
    CE_CHANNEL_END = 0,     /* the other side has closed, in TLS with close_notify */
    CE_CHANNEL_LATER = -1,  /* nothing can be moved now */
    CE_CHANNEL_BROKEN = -2, /* cut, or an error of TLS */
    CE_CHANNEL_BLOCKED = -3 /* of a read: TLS has to write first */
};

/* Begins a turn of reading: bounds what it may take from the socket. */
void ce_channel_begin_turn(ce_channel *channel);
/* How many bytes came, or one of the above. */
ssize_t ce_channel_read(ce_channel *channel, uint8_t *into, size_t size);
/* How many bytes went, or one of the above. What was given again after CE_CHANNEL_LATER must begin with the same bytes. */
ssize_t ce_channel_write(ce_channel *channel, const uint8_t *bytes, size_t count);
/* Whether nothing has come on a connection on which nothing is waited for: no byte, no end. Session tickets are taken. */
bool ce_channel_is_quiet(ce_channel *channel);

/* ---- channel_tls.c ---- */
/* To be called for each new SSL_CTX of libcurl's. */
void ce_channel_guard(ce_channel *channel, SSL_CTX *context);
/* From now on TLS moves its bytes through us. */
void ce_channel_take_tls(ce_channel *channel, SSL *ssl);
ssize_t ce_channel_read_tls(ce_channel *channel, uint8_t *into, size_t size);
ssize_t ce_channel_write_tls(ce_channel *channel, const uint8_t *bytes, size_t count);
/* In a turn that has begun. */
bool ce_channel_is_quiet_tls(ce_channel *channel);

#endif
