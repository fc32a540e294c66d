/* Private to CEvent: the authorities for clients, and the content of a client's certificate. */
#ifndef CE_TLS_CLIENT_H
#define CE_TLS_CLIENT_H

#include "ce_certificate.h"

#include <openssl/ssl.h>

enum { CE_CLIENT_DIGEST_BYTES = 32 };

typedef struct ce_client_trust {
    X509_STORE *store;
    uint8_t digest
        [CE_CLIENT_DIGEST_BYTES]; /* of both files: also the context of sessions, so that none outlives a change of them */
    int64_t ca_expires, crl_expires;
} ce_client_trust;

/* ---- tls_client.c ---- */
/* Judges the certificate of a connection by `trust`. */
long ce_client_verify_result(SSL *ssl, X509 *leaf, const ce_client_trust *trust);

/* ---- tls_client_files.c: what is in the files ---- */
/* NULL and a reason. `names` is filled with what clients are told to look for. */
ce_client_trust *ce_client_trust_read(const char *ca_path, const char *crl_path, STACK_OF(X509_NAME) * names,
                                      ce_error *error);
void ce_client_trust_free(ce_client_trust *trust);
/* INT64_MAX where it cannot be read, or is absent. */
int64_t ce_client_seconds(const ASN1_TIME *time);

/* ---- tls_client_names.c ---- */
/* As in ce_certificate; NULL where one of the names is not taken. */
char *ce_client_names(X509 *certificate);

#endif
