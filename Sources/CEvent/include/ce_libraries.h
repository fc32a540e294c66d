/* What is asked of OpenSSL and libyaml alone, and which libraries there are. */
#ifndef CEVENT_CE_LIBRARIES_H
#define CEVENT_CE_LIBRARIES_H

#include "ce_types.h"

/* ---- digest.c ---- */

typedef enum ce_digest_algorithm { CE_DIGEST_SHA1, CE_DIGEST_SHA256 } ce_digest_algorithm;
#define CE_DIGEST_LONGEST 32

/* Writes the digest and returns its length; 0 when OpenSSL could not. */
size_t ce_digest(ce_digest_algorithm algorithm, const uint8_t *bytes, size_t count, uint8_t out[CE_DIGEST_LONGEST]);

/* SHA-256, for what is done at each request. False when OpenSSL could not. */
bool ce_sha256(const uint8_t *bytes, size_t count, uint8_t out[32]);

/* HMAC with SHA-256 (RFC 2104). False when OpenSSL could not. */
bool ce_hmac_sha256(const uint8_t *key, size_t key_length, const uint8_t *bytes, size_t count, uint8_t out[32]);

/* Whether two runs of bytes are the same; takes as long for a wrong first byte as for a wrong last one. */
bool ce_same_bytes(const uint8_t *one, const uint8_t *other, size_t count);

/* ---- versions.c ---- */

/* For example "libevent 2.1.12-stable, libcurl 7.88.1, OpenSSL 3.0.22". */
void ce_versions(char *text, size_t capacity);

/* ---- yaml.c: the settings file, a flat mapping of scalars ---- */

/* Calls `entry` for each `key: value`, in order; both strings are valid during the call only. A null value is "".
 * Repeated keys are reported twice: the caller judges them. False at the first thing that is not such a mapping:
 * `error` says what and *error_line where, counted from 1. */
bool ce_yaml_scalars(const char *text, size_t length,
                     void (*entry)(void *context, const char *key, const char *value, int line, bool is_item),
                     void *context, ce_error *error, int *error_line);

#endif
