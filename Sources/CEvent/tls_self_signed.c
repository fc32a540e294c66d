/* A certificate of this process's own, for the sandbox: no certificate has to be made first. */
#include "loop.h"
#include "tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

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
    if (tls == NULL || (tls->context = ce_tls_context(error)) == NULL) {
        free(tls);
        return NULL;
    }
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    bool made = key != NULL && certificate != NULL && fill_certificate(certificate, key)
        && SSL_CTX_use_certificate(tls->context, certificate) == 1 && SSL_CTX_use_PrivateKey(tls->context, key) == 1
        && ce_tickets_begin(tls->context) && ce_tls_remember(tls, certificate, error);
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (!made) {
        ce_error_set(error, "OpenSSL could not make a certificate: %s", ERR_reason_error_string(ERR_get_error()));
        ce_tls_free(tls);
        return NULL;
    }
    return tls;
}
