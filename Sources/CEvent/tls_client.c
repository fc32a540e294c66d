/* Client certificates in the handshake. It never fails because of a certificate: the verdict stays with the session, and the response to the first request
 * can say what is wrong, where a failed handshake tells a client next to nothing (RFC 8446 section 6.2). */
#include "tls_client.h"
#include "loop.h"
#include "tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* A chain of more certificates is not verified at all. The leaf is counted. */
enum { CE_CHAIN_AT_MOST = 5, CE_CHAIN_BYTES = 32 * 1024, CE_RSA_BITS_AT_MOST = 8192 };

/* A signature of such a key takes the loop for too long. */
static bool is_too_large(X509 *certificate) {
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    return key == NULL || EVP_PKEY_get_bits(key) > CE_RSA_BITS_AT_MOST;
}

static void judge(X509_STORE_CTX *context) {
    if (X509_verify_cert(context) != 1 && X509_STORE_CTX_get_error(context) == X509_V_OK) {
        X509_STORE_CTX_set_error(context, X509_V_ERR_UNSPECIFIED);
    }
    ERR_clear_error();
}

/* SSL_CTX_set_cert_verify_callback(3): what is set as the error stays to be asked for; only 0 ends the handshake. */
static int on_certificate(X509_STORE_CTX *context, void *unused) {
    (void)unused;
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(context);
    if (sk_X509_num(sent) > CE_CHAIN_AT_MOST) {
        X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_CHAIN_TOO_LONG);
        return 1;
    }
    for (int index = 0; index < sk_X509_num(sent); index += 1) {
        if (is_too_large(sk_X509_value(sent, index))) {
            X509_STORE_CTX_set_error(context, X509_V_ERR_APPLICATION_VERIFICATION);
            return 0;
        }
    }
    judge(context);
    return 1;
}

bool ce_tls_trust_clients(ce_tls *tls, const char *ca_path, const char *crl_path, ce_error *error) {
    ERR_clear_error();
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    if (names == NULL) {
        abort();
    }
    ce_client_trust *trust = ce_client_trust_read(ca_path, crl_path, names, error);
    ERR_clear_error();
    if (trust == NULL) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return false;
    }
    SSL_CTX *context = tls->context;
    if (SSL_CTX_set1_verify_cert_store(context, trust->store) != 1
        || SSL_CTX_set_session_id_context(context, trust->digest, sizeof trust->digest) != 1) {
        abort();
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, on_certificate, NULL);
    SSL_CTX_set_max_cert_list(context, CE_CHAIN_BYTES);
    tls->clients = trust;
    return true;
}

int64_t ce_tls_client_ca_expires(const ce_tls *tls) {
    return tls->clients != NULL ? tls->clients->ca_expires : INT64_MAX;
}

int64_t ce_tls_client_crl_expires(const ce_tls *tls) {
    return tls->clients != NULL ? tls->clients->crl_expires : INT64_MAX;
}

/* The handshake, or the one that its session goes back to, was judged by the same files. */
static bool is_of_same_files(SSL *ssl, const ce_client_trust *trust) {
    const SSL_SESSION *session = SSL_get_session(ssl);
    unsigned int length = 0;
    const unsigned char *digest = session != NULL ? SSL_SESSION_get0_id_context(session, &length) : NULL;
    return digest != NULL && length == sizeof trust->digest
        && CRYPTO_memcmp(digest, trust->digest, sizeof trust->digest) == 0;
}

/* The intermediates are those of the handshake; a session that was resumed has none, so its client may have to connect again. */
static long verify_again(SSL *ssl, X509 *leaf, const ce_client_trust *trust) {
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
    if (sk_X509_num(sent) >= CE_CHAIN_AT_MOST) {
        return X509_V_ERR_CERT_CHAIN_TOO_LONG;
    }
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    long result = X509_V_ERR_OUT_OF_MEM;
    if (context != NULL && X509_STORE_CTX_init(context, trust->store, leaf, sent) == 1) {
        X509_STORE_CTX_set_default(context, "ssl_client");
        X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context), SSL_get_security_level(ssl));
        judge(context);
        result = X509_STORE_CTX_get_error(context);
    }
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return result;
}

long ce_client_verify_result(SSL *ssl, X509 *leaf, const ce_client_trust *trust) {
    return is_of_same_files(ssl, trust) ? SSL_get_verify_result(ssl) : verify_again(ssl, leaf, trust);
}
