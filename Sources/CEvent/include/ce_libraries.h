/* Functions of OpenSSL and libyaml that stand alone, and the versions of the libraries. */
#ifndef CEVENT_CE_LIBRARIES_H
#define CEVENT_CE_LIBRARIES_H

#include "ce_types.h"

/* ---- checksum.c ---- */

/* Finds accidental changes of bytes: no protection against an attacker who chooses them and knows the seed. A MiB takes a
 * fifth of a millisecond. */
uint64_t ce_checksum(const uint8_t *bytes, size_t count, uint64_t seed);

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

/* ---- signature.c: signatures of JSON Web Tokens (RFC 7518 section 3, RFC 8037) ---- */

/* RSASSA-PKCS1-v1_5 with SHA-256; ECDSA over P-256 with SHA-256; Ed25519. */
typedef enum ce_signature_algorithm {
    CE_SIGNATURE_RS256,
    CE_SIGNATURE_ES256,
    CE_SIGNATURE_EDDSA
} ce_signature_algorithm;

#define CE_RSA_LEAST_BITS 2048
/* A verification with more would hold the loop up. */
#define CE_RSA_MOST_BITS 8192

typedef struct ce_public_key ce_public_key;

/* A key for one algorithm, of big-endian numbers: `first` and `second` are n and e, or x and y of a point of P-256, or x alone of
 * Ed25519. NULL for a key that is too weak, too long, not on its curve, or not of that form. */
ce_public_key *ce_public_key_new(ce_signature_algorithm algorithm, const uint8_t *first, size_t first_length,
                                 const uint8_t *second, size_t second_length);
void ce_public_key_free(ce_public_key *key);

/* Whether the signature, as RFC 7518 writes it, is this key's of these bytes. False also where OpenSSL could not say. */
bool ce_public_key_verifies(const ce_public_key *key, const uint8_t *bytes, size_t count, const uint8_t *signature,
                            size_t signature_length);

/* ---- versions.c ---- */

/* For example "libevent 2.1.12-stable, libcurl 7.88.1, OpenSSL 3.0.22". */
void ce_versions(char *text, size_t capacity);

/* ---- yaml.c: the settings file, a mapping of scalars, lists and mappings ---- */

/* How deep mappings may lie in each other, the outermost counted in. */
#define CE_YAML_DEPTH 3

/* CE_YAML_MAPPING: what follows is below this path, and has this one in its own. */
typedef enum ce_yaml_kind { CE_YAML_SCALAR, CE_YAML_LIST, CE_YAML_ITEM, CE_YAML_MAPPING } ce_yaml_kind;

/* `path` has the keys that lead to the value, from the outermost, `depth` of them. All strings are valid during the call only.
 * `line` is that of the last key, for CE_YAML_MAPPING where the mapping begins. */
typedef void (*ce_yaml_entry)(void *context, const char *const *path, int depth, const char *value, int line,
                              ce_yaml_kind kind);

/* Calls `entry` for each value, in order. A null value is "".
 * Repeated keys are reported twice: the caller judges them. False at the first thing that is not such a mapping:
 * `error` says what and *error_line where, counted from 1. */
bool ce_yaml_scalars(const char *text, size_t length, ce_yaml_entry entry, void *context, ce_error *error,
                     int *error_line);

#endif
