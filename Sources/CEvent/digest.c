#include "CEvent.h"

#include <openssl/evp.h>

size_t ce_digest(ce_digest_algorithm algorithm, const uint8_t *bytes, size_t count, uint8_t out[CE_DIGEST_LONGEST]) {
    unsigned int length = 0;
    const EVP_MD *type = algorithm == CE_DIGEST_SHA1 ? EVP_sha1() : EVP_sha256();
    return EVP_Digest(bytes, count, out, &length, type, NULL) == 1 ? length : 0;
}
