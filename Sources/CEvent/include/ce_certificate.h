/* Client certificates (RFC 8446 section 4.4.2): the authorities for them, and what a client has shown. */
#ifndef CEVENT_CE_CERTIFICATE_H
#define CEVENT_CE_CERTIFICATE_H

#include "ce_types.h"

/* ---- tls_client.c: the authorities for clients ---- */

/* From here on connections under `tls` are asked for a certificate, and may do without one. Handshakes do not fail for one that is not good:
 * ce_exchange_certificate says what is wrong with it. `ca_path` has the authorities in PEM, `crl_path` their revocation lists; "" for no lists, and then none
 * is asked for. False and a reason where a file is missing, unreadable, too long or has something else in it. To be called once, before `tls` is used. */
bool ce_tls_trust_clients(ce_tls *tls, const char *ca_path, const char *crl_path, ce_error *error);
/* When the first of the authorities ends, and when the first of the lists is out of date, in seconds since 1970; INT64_MAX for none. */
int64_t ce_tls_client_ca_expires(const ce_tls *tls);
int64_t ce_tls_client_crl_expires(const ce_tls *tls);

/* ---- connection_certificate.c: what a client has shown ---- */

typedef enum ce_certificate_state {
    CE_CERTIFICATE_NONE, /* it was not asked for one, or has shown none */
    CE_CERTIFICATE_GOOD,
    CE_CERTIFICATE_EXPIRED, /* it, or an authority in its chain */
    CE_CERTIFICATE_NOT_YET_VALID,
    CE_CERTIFICATE_REVOKED,
    CE_CERTIFICATE_UNTRUSTED, /* no authority of ours has issued it */
    CE_CERTIFICATE_WRONG_PURPOSE,
    CE_CERTIFICATE_CHAIN_TOO_LONG,
    CE_CERTIFICATE_LIST_UNUSABLE, /* the revocation list of one of its issuers is missing or out of date */
    CE_CERTIFICATE_WEAK,
    CE_CERTIFICATE_MALFORMED, /* its names are not taken here */
    CE_CERTIFICATE_INVALID,
} ce_certificate_state;

typedef struct ce_certificate {
    ce_certificate_state state;
    const char *reason; /* OpenSSL's words for it, a constant */
    int64_t not_after;  /* seconds since 1970 */
    /* A line each, `subject=…` first, then `dns=…`, `uri=…`, `email=…`: UTF-8 without control characters. NULL unless it is good. */
    char *names;
} ce_certificate;

/* The certificate of the exchange's client, judged by the authorities that the server trusts now, which may differ from those at the
 * handshake. ce_certificate_clear has to follow. */
void ce_exchange_certificate(const ce_exchange *exchange, ce_certificate *certificate);
void ce_certificate_clear(ce_certificate *certificate);

/* An object that the callee keeps for a connection: `release` gets it when another replaces it, or with the connection's end. */
void ce_exchange_attach(ce_exchange *exchange, void *attachment, void (*release)(void *attachment));
/* NULL: nothing. */
void *ce_exchange_attachment(const ce_exchange *exchange);

#endif
