/* SHA-256 and SHA-1 (FIPS 180-4) of bytes that come in parts, by OpenSSL. */
#include "CEvent.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct ce_digest_stream {
    EVP_MD_CTX *context;
    const EVP_MD *kind;
};

static void begin(ce_digest_stream *stream) {
    if (EVP_DigestInit_ex(stream->context, stream->kind, NULL) != 1) {
        abort();
    }
}

ce_digest_stream *ce_digest_stream_new(ce_digest_algorithm algorithm) {
    ce_digest_stream *stream = malloc(sizeof *stream);
    if (stream == NULL || (stream->context = EVP_MD_CTX_new()) == NULL) {
        abort();
    }
    stream->kind = algorithm == CE_DIGEST_SHA1 ? EVP_sha1() : EVP_sha256();
    begin(stream);
    return stream;
}

void ce_digest_stream_free(ce_digest_stream *stream) {
    EVP_MD_CTX_free(stream->context);
    free(stream);
}

void ce_digest_stream_add(ce_digest_stream *stream, const uint8_t *bytes, size_t count) {
    if (EVP_DigestUpdate(stream->context, bytes, count) != 1) {
        abort();
    }
}

void ce_digest_stream_end(ce_digest_stream *stream, uint8_t *out) {
    unsigned int length = 0;
    if (EVP_DigestFinal_ex(stream->context, out, &length) != 1
        || length != (unsigned int)EVP_MD_get_size(stream->kind)) {
        abort();
    }
    begin(stream);
}
