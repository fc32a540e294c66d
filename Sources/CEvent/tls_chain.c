/* Faults of the certificates after the leaf. All are warnings: a client may know an intermediate from elsewhere, or another way to
 * a root. Most do not. */
#define _GNU_SOURCE
#include "tls.h"

#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 128 };

void ce_tls_warn(ce_tls *tls, const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    char *all = NULL;
    if (asprintf(&all, "%s%s%s", tls->warnings != NULL ? tls->warnings : "", tls->warnings != NULL ? "\n" : "", line)
        < 0) {
        abort();
    }
    free(tls->warnings);
    tls->warnings = all;
}

/* A name as one line of printable ASCII: it goes into the log. */
static void write_name(X509_NAME *name, char text[NAME_BYTES]) {
    BIO *out = BIO_new(BIO_s_mem());
    X509_NAME_print_ex(out, name, 0, XN_FLAG_ONELINE);
    int length = BIO_read(out, text, NAME_BYTES - 1);
    text[length > 0 ? length : 0] = '\0';
    BIO_free(out);
}

static bool signs_itself(X509 *certificate) {
    return X509_check_issued(certificate, certificate) == X509_V_OK;
}

/* Where in the file the issuer of a certificate is; -1: it is not there. */
static int issuer_of(X509 *certificate, STACK_OF(X509) * chain) {
    for (int index = 0; index < sk_X509_num(chain); index += 1) {
        X509 *other = sk_X509_value(chain, index);
        if (other != certificate && X509_check_issued(other, certificate) == X509_V_OK) {
            return index;
        }
    }
    return -1;
}

/* `make certs` puts the authority beside what it has signed. */
static bool stands_beside(X509 *certificate, const char *path) {
    const char *slash = strrchr(path, '/');
    char beside[PATH_MAX];
    snprintf(beside, sizeof beside, "%.*sca.pem", slash != NULL ? (int)(slash + 1 - path) : 0, path);
    BIO *file = BIO_new_file(beside, "r");
    X509 *authority = file != NULL ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    bool found = authority != NULL && signs_itself(authority) && X509_check_issued(authority, certificate) == X509_V_OK;
    X509_free(authority);
    BIO_free(file);
    return found;
}

static bool is_the_systems(X509 *certificate) {
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *search = X509_STORE_CTX_new();
    X509 *issuer = NULL;
    bool found = store != NULL && search != NULL && X509_STORE_set_default_paths(store) == 1
        && X509_STORE_CTX_init(search, store, certificate, NULL) == 1
        && X509_STORE_CTX_get1_issuer(&issuer, search, certificate) == 1;
    X509_free(issuer);
    X509_STORE_CTX_free(search);
    X509_STORE_free(store);
    return found;
}

static void judge_validity(ce_tls *tls, X509 *certificate, const char *path) {
    char name[NAME_BYTES];
    write_name(X509_get_subject_name(certificate), name);
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
        ce_tls_warn(tls, "The intermediate certificate (%s) in %s has expired: most clients refuse the chain.", name,
                    path);
    } else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
        ce_tls_warn(tls, "The intermediate certificate (%s) in %s is not valid yet: most clients refuse the chain.",
                    name, path);
    }
}

void ce_tls_judge_chain(ce_tls *tls, const char *path, STACK_OF(X509) * chain) {
    X509 *last = sk_X509_value(chain, 0);
    bool ordered = true;
    /* No further than there are certificates: two may each say that the other has issued it. */
    for (int at = 0, steps = 0; !signs_itself(last) && steps < sk_X509_num(chain); steps += 1) {
        int next = issuer_of(last, chain);
        if (next < 0) {
            break;
        }
        ordered = ordered && next == at + 1;
        at = next;
        last = sk_X509_value(chain, next);
        judge_validity(tls, last, path);
    }
    if (!ordered) {
        ce_tls_warn(tls, "The certificates in %s are not in order: behind each has to stand the one that issued it.",
                    path);
    }
    if (!signs_itself(last) && !stands_beside(last, path) && !is_the_systems(last)) {
        char name[NAME_BYTES];
        write_name(X509_get_issuer_name(last), name);
        ce_tls_warn(
            tls,
            "The chain in %s may lack an intermediate certificate: (%s), who issued its last one, is neither in the "
            "file nor among the system's authorities. Append it, unless it is a root that your clients were given.",
            path, name);
    }
}
