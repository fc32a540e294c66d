/* Random bytes that all processes of a gateway share, since the parent makes them before it forks: keys that a client's next
 * connection needs, whichever worker it comes to, are derived from them. */
#include "CEvent.h"

#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

static uint8_t seed[32];
static bool made;

void ce_shared_secret_make(void) {
    if (!made && RAND_bytes(seed, sizeof seed) != 1) {
        abort();
    }
    made = true;
}

void ce_shared_secret_derive(const char *purpose, const uint8_t *context, size_t length,
                             uint8_t key[CE_DERIVED_BYTES]) {
    ce_shared_secret_make();
    uint8_t branch[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    /* Two steps, so that no purpose and context together read like another pair. */
    if (HMAC(EVP_sha512(), seed, sizeof seed, (const uint8_t *)purpose, strlen(purpose), branch, &size) == NULL
        || HMAC(EVP_sha512(), branch, (int)size, context, length, key, NULL) == NULL) {
        abort();
    }
    OPENSSL_cleanse(branch, sizeof branch);
}
