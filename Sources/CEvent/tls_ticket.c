/* The keys that encrypt session tickets (RFC 5077 section 5.5, RFC 8446 section 4.6.1). A key that leaks opens what was said in every session
 * whose ticket it has encrypted, so none lives longer than two epochs. They are derived from the shared secret, the certificate's public key and the number of the epoch:
 * all workers, and the certificate that a reload brings for the same key, have the same without any exchange. A certificate
 * for another key is another identity: its clients make one full handshake. */
#include "tls.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EPOCH_SECONDS = 12 * 3600, CIPHER_KEY_BYTES = 32 };

int64_t ce_ticket_epoch(int64_t seconds) {
    return seconds / EPOCH_SECONDS;
}

static void derive(const char *purpose, const uint8_t identity[CE_TICKET_IDENTITY_BYTES], int64_t epoch,
                   uint8_t derived[CE_DERIVED_BYTES]) {
    uint8_t context[CE_TICKET_IDENTITY_BYTES + sizeof epoch];
    memcpy(context, identity, CE_TICKET_IDENTITY_BYTES);
    memcpy(context + CE_TICKET_IDENTITY_BYTES, &epoch, sizeof epoch);
    ce_shared_secret_derive(purpose, context, sizeof context, derived);
}

void ce_ticket_name(const uint8_t identity[CE_TICKET_IDENTITY_BYTES], int64_t epoch,
                    uint8_t name[CE_TICKET_NAME_BYTES]) {
    uint8_t derived[CE_DERIVED_BYTES];
    derive("ticket name", identity, epoch, derived);
    memcpy(name, derived, CE_TICKET_NAME_BYTES);
}

static void make_key(ce_ticket_key *key, const uint8_t identity[CE_TICKET_IDENTITY_BYTES], int64_t epoch) {
    if (key->made && key->epoch == epoch) {
        return;
    }
    derive("ticket keys", identity, epoch, key->secret);
    ce_ticket_name(identity, epoch, key->name);
    key->epoch = epoch;
    key->made = true;
}

const ce_ticket_key *ce_ticket_key_for(ce_tickets *tickets, int64_t seconds, const uint8_t *name) {
    int64_t epoch = ce_ticket_epoch(seconds);
    /* An epoch's key keeps its place, so that a new one takes that of the last but one. */
    for (int64_t age = 0; age <= 1; age += 1) {
        ce_ticket_key *key = &tickets->keys[(epoch - age) & 1];
        make_key(key, tickets->identity, epoch - age);
        if (name == NULL || memcmp(name, key->name, sizeof key->name) == 0) {
            return key;
        }
    }
    return NULL;
}

static bool use(const ce_ticket_key *key, const uint8_t *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypts) {
    const uint8_t *mac_key = key->secret + CIPHER_KEY_BYTES;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)mac_key, sizeof key->secret - CIPHER_KEY_BYTES),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->secret, iv, encrypts) == 1
        && EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

static void on_context_freed(void *parent, void *value, CRYPTO_EX_DATA *data, int index, long argl, void *argp) {
    (void)parent;
    (void)data;
    (void)index;
    (void)argl;
    (void)argp;
    if (value != NULL) {
        OPENSSL_cleanse(value, sizeof(ce_tickets));
        free(value);
    }
}

static int own_index(void) {
    static int index = -1;
    if (index < 0) {
        index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_freed);
    }
    return index;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): -1 fails, 0 takes no session up, 1 does, 2 does and gives out a new ticket. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                     int encrypts) {
    ce_tickets *tickets = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), own_index());
    struct timespec now;
    /* One clock for all processes, which is never set. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    const ce_ticket_key *key = ce_ticket_key_for(tickets, now.tv_sec, encrypts ? NULL : name);
    if (key == NULL) {
        return 0;
    }
    if (encrypts) {
        memcpy(name, key->name, sizeof key->name);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) {
            return -1;
        }
    }
    if (!use(key, iv, cipher, mac, encrypts)) {
        return -1;
    }
    return key->epoch == ce_ticket_epoch(now.tv_sec) ? 1 : 2;
}

bool ce_tickets_begin(SSL_CTX *context) {
    ce_tickets *tickets = calloc(1, sizeof *tickets);
    if (tickets == NULL) {
        abort();
    }
    unsigned char *public_key = NULL;
    int length = i2d_PUBKEY(SSL_CTX_get0_privatekey(context), &public_key);
    if (SSL_CTX_set_ex_data(context, own_index(), tickets) != 1) {
        free(tickets);
        length = 0;
    }
    bool begun = length > 0 && EVP_Digest(public_key, (size_t)length, tickets->identity, NULL, EVP_sha256(), NULL) == 1
        && SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) == 1;
    OPENSSL_free(public_key);
    return begun;
}
