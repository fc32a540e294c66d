#include "CEvent.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

size_t ce_digest(ce_digest_algorithm algorithm, const uint8_t *bytes, size_t count, uint8_t out[CE_DIGEST_LONGEST]) {
    unsigned int length = 0;
    const EVP_MD *type = algorithm == CE_DIGEST_SHA1 ? EVP_sha1() : EVP_sha256();
    return EVP_Digest(bytes, count, out, &length, type, NULL) == 1 ? length : 0;
}

bool ce_sha256(const uint8_t *bytes, size_t count, uint8_t out[32]) {
    /* Looked up once: OpenSSL 3 takes longer to find an algorithm by its name than to digest a key with it. */
    static _Thread_local EVP_MD_CTX *context;
    static _Thread_local const EVP_MD *type;
    if (context == NULL) {
        context = EVP_MD_CTX_new();
        type = EVP_MD_fetch(NULL, "SHA256", NULL);
    }
    unsigned int length = 0;
    return context != NULL && type != NULL && EVP_DigestInit_ex(context, type, NULL) == 1
        && EVP_DigestUpdate(context, bytes, count) == 1 && EVP_DigestFinal_ex(context, out, &length) == 1
        && length == 32;
}

bool ce_hmac_sha256(const uint8_t *key, size_t key_length, const uint8_t *bytes, size_t count, uint8_t out[32]) {
    unsigned int length = 0;
    if (key_length > INT_MAX)
        return false;
    return HMAC(EVP_sha256(), key, (int)key_length, bytes, count, out, &length) != NULL && length == 32;
}

bool ce_same_bytes(const uint8_t *one, const uint8_t *other, size_t count) {
    return CRYPTO_memcmp(one, other, count) == 0;
}
