/* SHA-256 (FIPS 180-4) of what comes in parts, by OpenSSL. */
#include "CEvent.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct ce_sha256_stream {
    EVP_MD_CTX *context;
};

static void begin(ce_sha256_stream *stream) {
    if (EVP_DigestInit_ex(stream->context, EVP_sha256(), NULL) != 1) {
        abort();
    }
}

ce_sha256_stream *ce_sha256_stream_new(void) {
    ce_sha256_stream *stream = malloc(sizeof *stream);
    if (stream == NULL || (stream->context = EVP_MD_CTX_new()) == NULL) {
        abort();
    }
    begin(stream);
    return stream;
}

void ce_sha256_stream_free(ce_sha256_stream *stream) {
    EVP_MD_CTX_free(stream->context);
    free(stream);
}

void ce_sha256_stream_add(ce_sha256_stream *stream, const uint8_t *bytes, size_t count) {
    if (EVP_DigestUpdate(stream->context, bytes, count) != 1) {
        abort();
    }
}

void ce_sha256_stream_end(ce_sha256_stream *stream, uint8_t out[32]) {
    unsigned int length = 0;
    if (EVP_DigestFinal_ex(stream->context, out, &length) != 1 || length != 32) {
        abort();
    }
    begin(stream);
}
