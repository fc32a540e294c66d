/* The certificate that a connection's client has shown in the handshake, and what the callee keeps for the connection. */
#include "connection.h"
#include "tls.h"
#include "tls_client.h"

#include <openssl/x509.h>
#include <stdlib.h>

static ce_connection *connection_of(const ce_exchange *exchange) {
    return (ce_connection *)((char *)exchange - offsetof(ce_connection, exchange));
}

static ce_certificate_state state_of(long result) {
    switch (result) {
    case X509_V_OK:
        return CE_CERTIFICATE_GOOD;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return CE_CERTIFICATE_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return CE_CERTIFICATE_NOT_YET_VALID;
    case X509_V_ERR_CERT_REVOKED:
        return CE_CERTIFICATE_REVOKED;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
        return CE_CERTIFICATE_UNTRUSTED;
    case X509_V_ERR_INVALID_PURPOSE:
    case X509_V_ERR_CERT_REJECTED:
        return CE_CERTIFICATE_WRONG_PURPOSE;
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
        return CE_CERTIFICATE_CHAIN_TOO_LONG;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
        return CE_CERTIFICATE_LIST_UNUSABLE;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return CE_CERTIFICATE_WEAK;
    default:
        return CE_CERTIFICATE_INVALID;
    }
}

void ce_exchange_certificate(const ce_exchange *exchange, ce_certificate *certificate) {
    *certificate = (ce_certificate){ .state = CE_CERTIFICATE_NONE, .reason = "" };
    ce_connection *connection = connection_of(exchange);
    const ce_client_trust *trust = connection->http->tls->clients;
    X509 *leaf = trust != NULL ? SSL_get0_peer_certificate(connection->ssl) : NULL;
    if (leaf == NULL) {
        return;
    }
    long result = ce_client_verify_result(connection->ssl, leaf, trust);
    certificate->state = state_of(result);
    certificate->reason = X509_verify_cert_error_string(result);
    certificate->not_after = ce_client_seconds(X509_get0_notAfter(leaf));
    if (certificate->state != CE_CERTIFICATE_GOOD) {
        return;
    }
    certificate->names = ce_client_names(leaf);
    if (certificate->names == NULL) {
        certificate->state = CE_CERTIFICATE_MALFORMED;
    }
}

void ce_certificate_clear(ce_certificate *certificate) {
    free(certificate->names);
    certificate->names = NULL;
}

void ce_exchange_attach(ce_exchange *exchange, void *attachment, void (*release)(void *)) {
    ce_connection *connection = connection_of(exchange);
    void *before = connection->attachment;
    void (*release_before)(void *) = connection->release_attachment;
    connection->attachment = attachment;
    connection->release_attachment = release;
    if (before != NULL) {
        release_before(before);
    }
}

void *ce_exchange_attachment(const ce_exchange *exchange) {
    return connection_of(exchange)->attachment;
}
