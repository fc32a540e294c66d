/* The server's TLS: the settings of every connection, and the life of a certificate's context. */
#include "tls.h"
#include "loop.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char alpn_http_1[] = { 8, 'h', 't', 't', 'p', '/', '1', '.', '1',
                                             8, 'h', 't', 't', 'p', '/', '1', '.', '0' };

/* RFC 7301 3.2: a client that offers protocols and not ours is told so, instead of talking past us. */
static int choose_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
                       unsigned int offered_length, void *context) {
    (void)ssl;
    (void)context;
    unsigned char *match = NULL;
    int result = SSL_select_next_proto(&match, length, alpn_http_1, sizeof alpn_http_1, offered, offered_length);
    *chosen = match;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

SSL_CTX *ce_tls_context(ce_error *error) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) {
        ce_error_set(error, "OpenSSL: %s", ERR_reason_error_string(ERR_get_error()));
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL");
    /* The suite's hash derives the keys: SHA-256 has instructions of its own where SHA-384 has none. RFC 8446 9.1 obliges every
     * client to the first. */
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
    SSL_CTX_set_options(context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE
                            | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
    /* Released buffers halve the memory of an idle connection. Never with SSL_MODE_ENABLE_PARTIAL_WRITE: libevent's bufferevent
     * goes on with its next piece whatever SSL_write took of this one, and a client may ask for records of 512 bytes. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* No chain is looked for in a store that is empty: what is sent is what the file has. */
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
    /* One system call instead of two a record. */
    SSL_CTX_set_read_ahead(context, 1);
    static const unsigned char session_context[] = "hubgate";
    SSL_CTX_set_session_id_context(context, session_context, sizeof session_context - 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* Sessions live in tickets alone; each further ticket costs a signature's worth of time. To send it with the first response instead saves
     * a packet, and cost 3.5 KiB of each idle connection. */
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, NULL);
    return context;
}

ce_tls *ce_tls_new(const char *certificate_path, const char *key_path, ce_error *error) {
    ce_tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL || (tls->context = ce_tls_context(error)) == NULL) {
        free(tls);
        return NULL;
    }
    bool good =
        ce_tls_load_pair(tls, certificate_path, key_path, error) && ce_tls_try(tls->context, certificate_path, error);
    ERR_clear_error();
    if (!good) {
        ce_tls_free(tls);
        return NULL;
    }
    return tls;
}

void ce_tls_free(ce_tls *tls) {
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        ce_client_trust_free(tls->clients);
        free(tls->pem);
        free(tls->warnings);
        free(tls);
    }
}

int64_t ce_tls_expires(const ce_tls *tls) {
    return tls->expires;
}

const char *ce_tls_pem(const ce_tls *tls) {
    return tls->pem;
}

const char *ce_tls_warnings(const ce_tls *tls) {
    return tls->warnings != NULL ? tls->warnings : "";
}
