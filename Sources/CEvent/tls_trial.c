/* A handshake in memory. A pair can be well formed and still useless: a curve that TLS 1.3 has no signature for, a key that OpenSSL's security level
 * refuses. Each client would find out; so the first one is our own. */
#include "loop.h"
#include "tls.h"

#include <openssl/err.h>

/* Each step answers what the other side has said; a handshake takes four. */
enum { STEPS_AT_MOST = 16 };

static bool waits(SSL *side, int result) {
    return SSL_get_error(side, result) == SSL_ERROR_WANT_READ;
}

static bool shake_hands(SSL *server, SSL *client) {
    for (int step = 0; step < STEPS_AT_MOST; step += 1) {
        int asked = SSL_do_handshake(client);
        if (asked != 1 && !waits(client, asked)) {
            return false;
        }
        int answered = SSL_do_handshake(server);
        if (answered != 1 && !waits(server, answered)) {
            return false;
        }
        if (asked == 1 && answered == 1) {
            return true;
        }
    }
    return false;
}

static bool try_with(SSL_CTX *context, SSL_CTX *client_context) {
    SSL *server = SSL_new(context), *client = SSL_new(client_context);
    BIO *near = NULL, *far = NULL;
    bool good = server != NULL && client != NULL && BIO_new_bio_pair(&near, 0, &far, 0) == 1;
    if (good) {
        SSL_set_bio(server, near, near);
        SSL_set_bio(client, far, far);
        SSL_set_accept_state(server);
        SSL_set_connect_state(client);
        good = shake_hands(server, client);
    }
    SSL_free(server);
    SSL_free(client);
    return good;
}

bool ce_tls_try(SSL_CTX *context, const char *certificate_path, ce_error *error) {
    ERR_clear_error();
    /* It trusts every certificate: whether clients trust the issuer cannot be known here. */
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    bool good = client != NULL && try_with(context, client);
    SSL_CTX_free(client);
    if (!good) {
        const char *reason = ERR_reason_error_string(ERR_peek_error());
        ce_error_set(error, "no client can make a connection with the certificate %s: %s", certificate_path,
                     reason != NULL ? reason : "the handshake fails");
    }
    return good;
}
