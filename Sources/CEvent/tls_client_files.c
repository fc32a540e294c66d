/* The files for client certificates: authorities, and the lists of certificates that they have revoked. */
#include "loop.h"
#include "tls_client.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A list is hashed for each handshake that needs it: 1 MiB takes about a millisecond. */
enum { CE_FILE_BYTES = 1024 * 1024, CE_AUTHORITIES_AT_MOST = 64, CE_CHAIN_DEPTH = 4 };

typedef struct ce_file {
    char *bytes;
    size_t count;
} ce_file;

static bool read_file(const char *path, const char *what, ce_file *file, ce_error *error) {
    FILE *stream = fopen(path, "re");
    file->bytes = stream != NULL ? malloc(CE_FILE_BYTES + 1) : NULL;
    if (file->bytes == NULL) {
        ce_error_set(error, "%s %s cannot be read: %s", what, path, strerror(errno));
        if (stream != NULL) {
            fclose(stream);
        }
        return false;
    }
    file->count = fread(file->bytes, 1, CE_FILE_BYTES + 1, stream);
    bool good = ferror(stream) == 0;
    int reason = errno;
    fclose(stream);
    if (!good) {
        ce_error_set(error, "%s %s cannot be read: %s", what, path, strerror(reason));
    } else if (file->count > CE_FILE_BYTES) {
        ce_error_set(error, "%s %s has more than %d bytes", what, path, CE_FILE_BYTES);
        good = false;
    }
    return good;
}

int64_t ce_client_seconds(const ASN1_TIME *time) {
    struct tm parts;
    return time != NULL && ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : INT64_MAX;
}

static int64_t earlier(int64_t one, int64_t other) {
    return one < other ? one : other;
}

/* Behind the last of them there is nothing that begins; all else cannot be read. */
static bool at_end(void) {
    bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return is_end;
}

/* The authority `number` of the file. */
static bool add_authority(ce_client_trust *trust, X509 *certificate, int number, const char *path,
                          STACK_OF(X509_NAME) * names, ce_error *error) {
    if (X509_check_ca(certificate) == 0) {
        ce_error_set(error, "certificate %d of %s is no authority's: name those that issue clients' certificates",
                     number, path);
        return false;
    }
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(certificate));
    if (name == NULL || X509_STORE_add_cert(trust->store, certificate) != 1 || sk_X509_NAME_push(names, name) == 0) {
        X509_NAME_free(name);
        ce_error_set(error, "certificate %d of %s cannot be used: %s", number, path,
                     ERR_reason_error_string(ERR_peek_error()));
        return false;
    }
    trust->ca_expires = earlier(trust->ca_expires, ce_client_seconds(X509_get0_notAfter(certificate)));
    return true;
}

static bool add_authorities(ce_client_trust *trust, const ce_file *file, const char *path, STACK_OF(X509_NAME) * names,
                            ce_error *error) {
    BIO *in = BIO_new_mem_buf(file->bytes, (int)file->count);
    X509 *certificate = NULL;
    int count = 0;
    bool good = in != NULL, has_root = false;
    while (good && (certificate = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
        count += 1;
        good = add_authority(trust, certificate, count, path, names, error);
        has_root = has_root || (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;
        X509_free(certificate);
        if (good && count > CE_AUTHORITIES_AT_MOST) {
            ce_error_set(error, "%s has more than %d certificates", path, CE_AUTHORITIES_AT_MOST);
            good = false;
        }
    }
    BIO_free(in);
    if (good && (!at_end() || count == 0)) {
        ce_error_set(error, "%s is not a list of certificates in PEM", path);
        good = false;
    } else if (good && !has_root) {
        ce_error_set(error, "%s has no root: an authority that has signed itself, at which a client's chain ends",
                     path);
        good = false;
    }
    return good;
}

/* A list of an authority in the file has to be that authority's, which may have several keys; those of authorities that clients send are looked at
 * when one does. */
static bool is_genuine(const ce_client_trust *trust, X509_CRL *list) {
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(trust->store);
    bool is_named = false;
    for (int index = 0; index < sk_X509_OBJECT_num(objects); index += 1) {
        X509 *issuer = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, index));
        if (issuer == NULL || X509_NAME_cmp(X509_get_subject_name(issuer), X509_CRL_get_issuer(list)) != 0) {
            continue;
        }
        if (X509_CRL_verify(list, X509_get0_pubkey(issuer)) == 1) {
            return true;
        }
        is_named = true;
    }
    return !is_named;
}

static bool add_lists(ce_client_trust *trust, const ce_file *file, const char *path, ce_error *error) {
    BIO *in = BIO_new_mem_buf(file->bytes, (int)file->count);
    X509_CRL *list = NULL;
    int count = 0;
    bool good = in != NULL;
    while (good && (list = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL)) != NULL) {
        count += 1;
        if (!is_genuine(trust, list)) {
            ce_error_set(error, "list %d of %s was not signed by the authority that it names", count, path);
            good = false;
        } else if (X509_STORE_add_crl(trust->store, list) != 1) {
            ce_error_set(error, "list %d of %s cannot be used: %s", count, path,
                         ERR_reason_error_string(ERR_peek_error()));
            good = false;
        }
        trust->crl_expires = earlier(trust->crl_expires, ce_client_seconds(X509_CRL_get0_nextUpdate(list)));
        X509_CRL_free(list);
    }
    BIO_free(in);
    if (good && (!at_end() || count == 0)) {
        ce_error_set(error, "%s is not a certificate revocation list in PEM", path);
        good = false;
    }
    if (good) {
        X509_STORE_set_flags(trust->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    }
    return good;
}

static void digest(ce_client_trust *trust, const ce_file *authorities, const ce_file *lists) {
    static const char purpose[] = "hubgate: clients";
    uint64_t length = authorities->count;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1
        || EVP_DigestUpdate(context, purpose, sizeof purpose) != 1
        || EVP_DigestUpdate(context, &length, sizeof length) != 1
        || EVP_DigestUpdate(context, authorities->bytes, authorities->count) != 1
        || EVP_DigestUpdate(context, lists->bytes, lists->count) != 1
        || EVP_DigestFinal_ex(context, trust->digest, NULL) != 1) {
        abort();
    }
    EVP_MD_CTX_free(context);
}

void ce_client_trust_free(ce_client_trust *trust) {
    if (trust != NULL) {
        X509_STORE_free(trust->store);
        free(trust);
    }
}

ce_client_trust *ce_client_trust_read(const char *ca_path, const char *crl_path, STACK_OF(X509_NAME) * names,
                                      ce_error *error) {
    ce_file authorities = { 0 }, lists = { 0 };
    ce_client_trust *trust = calloc(1, sizeof *trust);
    if (trust == NULL || (trust->store = X509_STORE_new()) == NULL) {
        abort();
    }
    trust->ca_expires = trust->crl_expires = INT64_MAX;
    X509_VERIFY_PARAM_set_depth(X509_STORE_get0_param(trust->store), CE_CHAIN_DEPTH);
    bool good = read_file(ca_path, "the file of authorities", &authorities, error)
        && add_authorities(trust, &authorities, ca_path, names, error);
    if (good && *crl_path != '\0') {
        good = read_file(crl_path, "the file of revocation lists", &lists, error)
            && add_lists(trust, &lists, crl_path, error);
    }
    if (good) {
        digest(trust, &authorities, &lists);
    } else {
        ce_client_trust_free(trust);
    }
    free(authorities.bytes);
    free(lists.bytes);
    return good ? trust : NULL;
}
