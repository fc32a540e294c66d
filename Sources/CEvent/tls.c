#include "tls.h"
#include "loop.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* OpenSSL's ticket keys are a name of this length, then 64 bytes of keys. */
enum { TICKET_NAME_BYTES = 16 };

static const unsigned char alpn_http_1_1[] = { 8, 'h', 't', 't', 'p', '/', '1', '.', '1' };

/* RFC 7301 3.2: a client that offers protocols and not ours is told so, instead of talking past us. */
static int choose_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *length, const unsigned char *offered,
                       unsigned int offered_length, void *context) {
    (void)ssl;
    (void)context;
    unsigned char *match = NULL;
    int result = SSL_select_next_proto(&match, length, alpn_http_1_1, sizeof alpn_http_1_1, offered, offered_length);
    *chosen = match;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *new_context(ce_error *error) {
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
    /* Sessions live in tickets alone; each further ticket costs a signature's worth of time. To send it with the first answer instead saves
     * a packet, and cost 3.5 KiB of each idle connection. */
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, NULL);
    return context;
}

static bool remember_leaf(ce_tls *tls, X509 *leaf, ce_error *error) {
    struct tm end;
    if (leaf == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &end) != 1) {
        ce_error_set(error, "the certificate has no readable end of validity");
        return false;
    }
    tls->expires = timegm(&end);
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (out == NULL || PEM_write_bio_X509(out, leaf) != 1) {
        BIO_free(out);
        ce_error_set(error, "the certificate cannot be written as PEM");
        return false;
    }
    long length = BIO_get_mem_data(out, &text);
    tls->pem = strndup(text, (size_t)length);
    BIO_free(out);
    return tls->pem != NULL;
}

/* Tickets are sealed with keys that follow from the private key and the gateway's seed: every worker, and the certificate that a
 * reload brings for the same key, takes up the sessions that another gave out. A certificate for another key is another identity:
 * its clients make one full handshake. */
static bool use_common_ticket_keys(ce_tls *tls) {
    unsigned char *public_key = NULL;
    int length = i2d_PUBKEY(SSL_CTX_get0_privatekey(tls->context), &public_key);
    if (length <= 0) {
        return false;
    }
    uint8_t keys[2 * CE_DERIVED_BYTES];
    ce_seed_derive("ticket name", public_key, (size_t)length, keys);
    ce_seed_derive("ticket keys", public_key, (size_t)length, keys + TICKET_NAME_BYTES);
    bool used = SSL_CTX_set_tlsext_ticket_keys(tls->context, keys, TICKET_NAME_BYTES + CE_DERIVED_BYTES) == 1;
    OPENSSL_cleanse(keys, sizeof keys);
    OPENSSL_free(public_key);
    return used;
}

static bool is_valid_now(X509 *leaf, const char *path, ce_error *error) {
    if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0) {
        ce_error_set(error, "the certificate %s is not valid yet", path);
        return false;
    }
    if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0) {
        ce_error_set(error, "the certificate %s has expired", path);
        return false;
    }
    return true;
}

static bool load_pair(ce_tls *tls, const char *certificate_path, const char *key_path, ce_error *error) {
    if (access(certificate_path, R_OK) != 0) {
        ce_error_set(error, "the certificate %s cannot be read: %s", certificate_path, strerror(errno));
        return false;
    }
    if (access(key_path, R_OK) != 0) {
        ce_error_set(error, "the private key %s cannot be read: %s", key_path, strerror(errno));
        return false;
    }
    if (SSL_CTX_use_certificate_chain_file(tls->context, certificate_path) != 1) {
        ce_error_set(error, "%s is not a PEM certificate chain", certificate_path);
        return false;
    }
    X509 *leaf = SSL_CTX_get0_certificate(tls->context);
    if (!is_valid_now(leaf, certificate_path, error)) {
        return false;
    }
    if (SSL_CTX_use_PrivateKey_file(tls->context, key_path, SSL_FILETYPE_PEM) != 1) {
        bool mismatch = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH
            || ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH;
        if (mismatch) {
            ce_error_set(error, "the private key %s does not belong to the certificate %s", key_path, certificate_path);
        } else {
            ce_error_set(error, "%s is not a PEM private key without a passphrase", key_path);
        }
        return false;
    }
    if (!use_common_ticket_keys(tls)) {
        ce_error_set(error, "OpenSSL does not take keys for session tickets");
        return false;
    }
    return remember_leaf(tls, leaf, error);
}

/* A key file with a passphrase must be an error, not a prompt on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context) {
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

ce_tls *ce_tls_new(const char *certificate_path, const char *key_path, ce_error *error) {
    ce_tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL || (tls->context = new_context(error)) == NULL) {
        free(tls);
        return NULL;
    }
    SSL_CTX_set_default_passwd_cb(tls->context, no_passphrase);
    bool loaded = load_pair(tls, certificate_path, key_path, error);
    ERR_clear_error();
    if (!loaded) {
        ce_tls_free(tls);
        return NULL;
    }
    return tls;
}

static bool add_extension(X509 *certificate, int identifier, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, identifier, value);
    bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

// It is the server's and its own authority at once. It must not say that it is one: Rust's TLS, which Xet's client has, takes
// no authority's certificate for a server's, and OpenSSL trusts one that it was given either way.
static bool fill_certificate(X509 *certificate, EVP_PKEY *key) {
    X509_NAME *name = X509_get_subject_name(certificate);
    return X509_set_version(certificate, 2) == 1
        && ASN1_INTEGER_set(X509_get_serialNumber(certificate), (long)getpid()) == 1
        && X509_gmtime_adj(X509_getm_notBefore(certificate), -60) != NULL
        && X509_gmtime_adj(X509_getm_notAfter(certificate), 365L * 86400) != NULL
        && X509_set_pubkey(certificate, key) == 1
        && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"hubgate sandbox", -1, -1, 0)
        == 1
        && X509_set_issuer_name(certificate, name) == 1
        && add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE")
        && add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1")
        && add_extension(certificate, NID_subject_key_identifier, "hash")
        && X509_sign(certificate, key, EVP_sha256()) != 0;
}

ce_tls *ce_tls_new_self_signed(ce_error *error) {
    ce_tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL || (tls->context = new_context(error)) == NULL) {
        free(tls);
        return NULL;
    }
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    bool made = key != NULL && certificate != NULL && fill_certificate(certificate, key)
        && SSL_CTX_use_certificate(tls->context, certificate) == 1 && SSL_CTX_use_PrivateKey(tls->context, key) == 1
        && remember_leaf(tls, certificate, error);
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (!made) {
        ce_error_set(error, "OpenSSL could not make a certificate: %s", ERR_reason_error_string(ERR_get_error()));
        ce_tls_free(tls);
        return NULL;
    }
    return tls;
}

void ce_tls_free(ce_tls *tls) {
    if (tls != NULL) {
        SSL_CTX_free(tls->context);
        free(tls->pem);
        free(tls);
    }
}

int64_t ce_tls_expires(const ce_tls *tls) {
    return tls->expires;
}

const char *ce_tls_pem(const ce_tls *tls) {
    return tls->pem;
}
