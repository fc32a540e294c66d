/* A certificate and its key, read from files and judged. */
#include "loop.h"
#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* CA/Browser Forum Baseline Requirements 6.1.5. OpenSSL on Debian refuses less, without naming the size. */
enum { RSA_BITS_AT_LEAST = 2048 };

/* A key file with a passphrase must be an error, not a prompt on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *context) {
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static BIO *open_file(const char *path, const char *what, ce_error *error) {
    BIO *file = access(path, R_OK) == 0 ? BIO_new_file(path, "r") : NULL;
    if (file == NULL) {
        ce_error_set(error, "the %s %s cannot be read: %s", what, path, strerror(errno));
    }
    return file;
}

static STACK_OF(X509) * read_chain(const char *path, ce_error *error) {
    BIO *file = open_file(path, "certificate", error);
    if (file == NULL) {
        return NULL;
    }
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *certificate;
    while (chain != NULL && (certificate = PEM_read_bio_X509_AUX(file, NULL, no_passphrase, NULL)) != NULL) {
        if (sk_X509_push(chain, certificate) == 0) {
            X509_free(certificate);
            break;
        }
    }
    BIO_free(file);
    /* Behind the last certificate there is none to begin; all else is a certificate that cannot be read. */
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (chain == NULL || sk_X509_num(chain) == 0 || !at_end) {
        ce_error_set(error, "%s is not a PEM certificate chain", path);
        sk_X509_pop_free(chain, X509_free);
        return NULL;
    }
    ERR_clear_error();
    return chain;
}

static EVP_PKEY *read_key(const char *path, ce_error *error) {
    BIO *file = open_file(path, "private key", error);
    if (file == NULL) {
        return NULL;
    }
    EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, no_passphrase, NULL);
    BIO_free(file);
    if (key == NULL) {
        ce_error_set(error, "%s is not a PEM private key without a passphrase", path);
    }
    return key;
}

static bool is_valid_now(X509 *leaf, const char *path, ce_error *error) {
    if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0) {
        ce_error_set(error, "the certificate %s is not valid yet", path);
        return false;
    }
    if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0) {
        ce_error_set(error, "the certificate %s has expired", path);
        return false;
    }
    return true;
}

static bool is_long_enough(X509 *leaf, const char *path, ce_error *error) {
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < RSA_BITS_AT_LEAST) {
        ce_error_set(error, "the certificate %s has an RSA key of %d bits; clients refuse less than %d", path,
                     EVP_PKEY_get_bits(key), RSA_BITS_AT_LEAST);
        return false;
    }
    return true;
}

static const char *type_of(const EVP_PKEY *key) {
    const char *name = key != NULL ? EVP_PKEY_get0_type_name(key) : NULL;
    return name != NULL ? name : "unknown";
}

static void say_mismatch(EVP_PKEY *key, STACK_OF(X509) * chain, const char *certificate_path, const char *key_path,
                         ce_error *error) {
    for (int index = 1; index < sk_X509_num(chain); index += 1) {
        if (X509_check_private_key(sk_X509_value(chain, index), key) == 1) {
            ce_error_set(error,
                         "the private key %s belongs to certificate %d of %s: the server's own has to be the first",
                         key_path, index + 1, certificate_path);
            return;
        }
    }
    const EVP_PKEY *wanted = X509_get0_pubkey(sk_X509_value(chain, 0));
    if (wanted != NULL && !EVP_PKEY_is_a(key, type_of(wanted))) {
        ce_error_set(error, "the private key %s does not belong to the certificate %s: one is of type %s, the other %s",
                     key_path, certificate_path, type_of(key), type_of(wanted));
    } else {
        ce_error_set(error, "the private key %s does not belong to the certificate %s", key_path, certificate_path);
    }
}

static bool use_pair(SSL_CTX *context, STACK_OF(X509) * chain, EVP_PKEY *key) {
    bool used = SSL_CTX_use_certificate(context, sk_X509_value(chain, 0)) == 1
        && SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    for (int index = 1; used && index < sk_X509_num(chain); index += 1) {
        used = SSL_CTX_add1_chain_cert(context, sk_X509_value(chain, index)) == 1;
    }
    return used;
}

bool ce_tls_remember(ce_tls *tls, X509 *leaf, ce_error *error) {
    struct tm end;
    if (leaf == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &end) != 1) {
        ce_error_set(error, "the certificate has no readable end of validity");
        return false;
    }
    tls->expires = timegm(&end);
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (out == NULL || PEM_write_bio_X509(out, leaf) != 1) {
        BIO_free(out);
        ce_error_set(error, "the certificate cannot be written as PEM");
        return false;
    }
    long length = BIO_get_mem_data(out, &text);
    tls->pem = strndup(text, (size_t)length);
    BIO_free(out);
    return tls->pem != NULL;
}

static bool take(ce_tls *tls, STACK_OF(X509) * chain, EVP_PKEY *key, const char *certificate_path, const char *key_path,
                 ce_error *error) {
    X509 *leaf = sk_X509_value(chain, 0);
    if (!is_valid_now(leaf, certificate_path, error) || !is_long_enough(leaf, certificate_path, error)) {
        return false;
    }
    if (X509_check_private_key(leaf, key) != 1) {
        say_mismatch(key, chain, certificate_path, key_path, error);
        return false;
    }
    ERR_clear_error();
    if (!use_pair(tls->context, chain, key)) {
        const char *reason = ERR_reason_error_string(ERR_peek_error());
        ce_error_set(error, "OpenSSL does not serve with the certificate %s: %s", certificate_path,
                     reason != NULL ? reason : "it does not say why");
        return false;
    }
    if (!ce_tickets_begin(tls->context)) {
        ce_error_set(error, "OpenSSL does not take keys for session tickets");
        return false;
    }
    ce_tls_judge_chain(tls, certificate_path, chain);
    return ce_tls_remember(tls, leaf, error);
}

bool ce_tls_load_pair(ce_tls *tls, const char *certificate_path, const char *key_path, ce_error *error) {
    ERR_clear_error();
    STACK_OF(X509) *chain = read_chain(certificate_path, error);
    EVP_PKEY *key = chain != NULL ? read_key(key_path, error) : NULL;
    bool taken = key != NULL && take(tls, chain, key, certificate_path, key_path, error);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    return taken;
}
