/* Private to CEvent: a certificate with its key, and what each connection under it needs of TLS. */
#ifndef CE_TLS_H
#define CE_TLS_H

#include "CEvent.h"
#include "tls_client.h"

#include <openssl/ssl.h>

enum { CE_TICKET_IDENTITY_BYTES = 32, CE_TICKET_NAME_BYTES = 16 };

/* What encrypts tickets in one epoch: a key for AES-256 and one for HMAC. */
typedef struct ce_ticket_key {
    bool made;
    int64_t epoch;
    uint8_t name[CE_TICKET_NAME_BYTES];
    uint8_t secret[CE_DERIVED_BYTES];
} ce_ticket_key;

typedef struct ce_tickets {
    uint8_t identity[CE_TICKET_IDENTITY_BYTES]; /* a digest of the certificate's public key */
    ce_ticket_key keys[2];                      /* of an even epoch, of an odd one */
} ce_tickets;

struct ce_tls {
    SSL_CTX *context;
    char *pem;
    char *warnings; /* a line each */
    int64_t expires;
    ce_client_trust *clients; /* NULL: no client is asked for a certificate */
};

/* ---- tls.c ---- */
/* A context with our settings; NULL and a reason. */
SSL_CTX *ce_tls_context(ce_error *error);

/* ---- tls_certificate.c, tls_chain.c, tls_trial.c: a pair is judged before a connection depends on it ---- */
/* Keeps what others ask of the leaf. */
bool ce_tls_remember(ce_tls *tls, X509 *leaf, ce_error *error);
bool ce_tls_load_pair(ce_tls *tls, const char *certificate_path, const char *key_path, ce_error *error);
/* Adds a line to the warnings. */
void ce_tls_warn(ce_tls *tls, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Warns of certificates after the leaf that are missing or wrong. */
void ce_tls_judge_chain(ce_tls *tls, const char *path, STACK_OF(X509) * chain);
/* Whether a client can complete a handshake: one is made in memory. */
bool ce_tls_try(SSL_CTX *context, const char *certificate_path, ce_error *error);

/* ---- tls_ticket.c ---- */
/* Makes a context, whose key is set, encrypt its tickets here. The keys live as long as the context, which connections may hold for longer
 * than its ce_tls lives. */
bool ce_tickets_begin(SSL_CTX *context);
/* The key that encrypts at a time, or where a name is given the one that has that name; NULL if that is older than the last epoch. */
const ce_ticket_key *ce_ticket_key_for(ce_tickets *tickets, int64_t seconds, const uint8_t *name);

#endif
