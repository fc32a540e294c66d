/* Verifies signatures with keys that were written as JSON Web Keys. All of this input is from strangers. */
#include "CEvent.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#define POINT_BYTES 32
#define ED25519_BYTES 32
#define ED25519_SIGNATURE_BYTES 64
#define LONGEST_EXPONENT 8

struct ce_public_key {
    EVP_PKEY *key;
    ce_signature_algorithm algorithm;
};

static EVP_PKEY *from_parameters(const char *type, OSSL_PARAM_BLD *builder) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (parameters == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1
        || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return key;
}

static bool is_fit_for_rsa(const BIGNUM *n, const BIGNUM *e) {
    int bits = BN_num_bits(n);
    return bits >= CE_RSA_LEAST_BITS && bits <= CE_RSA_MOST_BITS && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e);
}

static EVP_PKEY *rsa_key(const uint8_t *n, size_t n_length, const uint8_t *e, size_t e_length) {
    if (n_length > CE_RSA_MOST_BITS / 8 + 1 || e_length > LONGEST_EXPONENT || e_length == 0)
        return NULL;
    EVP_PKEY *key = NULL;
    BIGNUM *modulus = BN_bin2bn(n, (int)n_length, NULL);
    BIGNUM *exponent = BN_bin2bn(e, (int)e_length, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (modulus && exponent && builder && is_fit_for_rsa(modulus, exponent)
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = from_parameters("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(modulus);
    BN_free(exponent);
    return key;
}

static bool is_on_curve(EVP_PKEY *key) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool is = context != NULL && EVP_PKEY_public_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    return is;
}

static EVP_PKEY *p256_key(const uint8_t *x, size_t x_length, const uint8_t *y, size_t y_length) {
    if (x_length != POINT_BYTES || y_length != POINT_BYTES)
        return NULL;
    uint8_t point[1 + 2 * POINT_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };
    memcpy(point + 1, x, POINT_BYTES);
    memcpy(point + 1 + POINT_BYTES, y, POINT_BYTES);
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1
        && OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
        key = from_parameters("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    if (key && !is_on_curve(key)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static EVP_PKEY *ed25519_key(const uint8_t *x, size_t x_length) {
    return x_length == ED25519_BYTES ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, x_length) : NULL;
}

ce_public_key *ce_public_key_new(ce_signature_algorithm algorithm, const uint8_t *first, size_t first_length,
                                 const uint8_t *second, size_t second_length) {
    EVP_PKEY *key = NULL;
    switch (algorithm) {
    case CE_SIGNATURE_RS256:
        key = rsa_key(first, first_length, second, second_length);
        break;
    case CE_SIGNATURE_ES256:
        key = p256_key(first, first_length, second, second_length);
        break;
    case CE_SIGNATURE_EDDSA:
        key = ed25519_key(first, first_length);
        break;
    }
    ce_public_key *made = key ? malloc(sizeof *made) : NULL;
    if (made)
        *made = (ce_public_key){ .key = key, .algorithm = algorithm };
    else
        EVP_PKEY_free(key);
    /* An error left in the queue would be taken as one of the next TLS call. */
    ERR_clear_error();
    return made;
}

void ce_public_key_free(ce_public_key *key) {
    if (key == NULL)
        return;
    EVP_PKEY_free(key->key);
    free(key);
}

/* The two numbers of an ECDSA signature as OpenSSL takes them (RFC 7518 section 3.4). The length of `*der`; 0 for another form. */
static int der_of(const uint8_t *signature, size_t length, uint8_t **der) {
    if (length != 2 * POINT_BYTES)
        return 0;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, POINT_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(signature + POINT_BYTES, POINT_BYTES, NULL);
    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(pair);
        return 0;
    }
    int count = i2d_ECDSA_SIG(pair, der);
    ECDSA_SIG_free(pair);
    return count > 0 ? count : 0;
}

static bool verifies(const ce_public_key *key, const uint8_t *bytes, size_t count, const uint8_t *signature,
                     size_t length) {
    const EVP_MD *digest = key->algorithm == CE_SIGNATURE_EDDSA ? NULL : EVP_sha256();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is = context != NULL && EVP_DigestVerifyInit(context, NULL, digest, NULL, key->key) == 1
        && EVP_DigestVerify(context, signature, length, bytes, count) == 1;
    EVP_MD_CTX_free(context);
    return is;
}

bool ce_public_key_verifies(const ce_public_key *key, const uint8_t *bytes, size_t count, const uint8_t *signature,
                            size_t signature_length) {
    bool is = false;
    uint8_t *der = NULL;
    switch (key->algorithm) {
    case CE_SIGNATURE_RS256:
        is = signature_length == (size_t)EVP_PKEY_get_size(key->key)
            && verifies(key, bytes, count, signature, signature_length);
        break;
    case CE_SIGNATURE_ES256: {
        int length = der_of(signature, signature_length, &der);
        is = length > 0 && verifies(key, bytes, count, der, (size_t)length);
        break;
    }
    case CE_SIGNATURE_EDDSA:
        is = signature_length == ED25519_SIGNATURE_BYTES && verifies(key, bytes, count, signature, signature_length);
        break;
    }
    OPENSSL_free(der);
    ERR_clear_error();
    return is;
}
