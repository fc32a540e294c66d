/* The names in a client's certificate. Its holder may have chosen all of them: a certificate is refused if a name could be read in two ways, or break a
 * line of a log. */
#include "tls_client.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

enum { CE_NAMES_AT_MOST = 32, CE_NAME_BYTES = 1024 };

typedef struct ce_text {
    char *bytes;
    size_t count;
    bool refused;
} ce_text;

static void add_line(ce_text *text, const char *kind, const char *value, size_t length) {
    size_t prefix = strlen(kind);
    char *bytes = realloc(text->bytes, text->count + prefix + length + 2);
    if (bytes == NULL) {
        abort();
    }
    memcpy(bytes + text->count, kind, prefix);
    memcpy(bytes + text->count + prefix, value, length);
    text->bytes = bytes;
    text->count += prefix + length + 1;
    bytes[text->count - 1] = '\n';
    bytes[text->count] = '\0';
}

/* Of UTF-8: no character of C0, DEL or C1 (Unicode section 23.1). */
static bool has_no_control(const unsigned char *bytes, size_t length) {
    for (size_t at = 0; at < length; at += 1) {
        bool is_c1 = bytes[at] == 0xC2 && at + 1 < length && bytes[at + 1] >= 0x80 && bytes[at + 1] <= 0x9F;
        if (bytes[at] < 0x20 || bytes[at] == 0x7F || is_c1) {
            return false;
        }
    }
    return true;
}

/* Whether a part of the subject is text, whole: a NUL in it would end it for other programs. */
static bool is_text(const X509_NAME_ENTRY *entry) {
    unsigned char *bytes = NULL;
    int length = ASN1_STRING_to_UTF8(&bytes, X509_NAME_ENTRY_get_data(entry));
    bool good = length >= 0 && has_no_control(bytes, (size_t)length);
    OPENSSL_free(bytes);
    return good;
}

/* RFC 4514, whose escapes mark where each part ends; characters beyond ASCII are unchanged. */
static void add_subject(ce_text *text, X509 *certificate) {
    X509_NAME *subject = X509_get_subject_name(certificate);
    int count = X509_NAME_entry_count(subject);
    text->refused = text->refused || count > CE_NAMES_AT_MOST;
    for (int index = 0; index < count && !text->refused; index += 1) {
        text->refused = !is_text(X509_NAME_get_entry(subject, index));
    }
    BIO *out = BIO_new(BIO_s_mem());
    if (out == NULL) {
        abort();
    }
    char *bytes = NULL;
    if (!text->refused
        && X509_NAME_print_ex(out, subject, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0) {
        text->refused = true;
    }
    long length = BIO_get_mem_data(out, &bytes);
    text->refused = text->refused || length > CE_NAME_BYTES || !has_no_control((unsigned char *)bytes, (size_t)length);
    if (!text->refused) {
        add_line(text, "subject=", bytes, (size_t)length);
    }
    BIO_free(out);
}

static const char *kind_of(const GENERAL_NAME *name) {
    switch (name->type) {
    case GEN_DNS:
        return "dns=";
    case GEN_URI:
        return "uri=";
    case GEN_EMAIL:
        return "email=";
    default:
        return NULL;
    }
}

/* IA5String has ASCII only, and none of these names a blank (RFC 5280 section 4.2.1.6). */
static bool is_plain(const ASN1_IA5STRING *value) {
    int length = ASN1_STRING_length(value);
    const unsigned char *bytes = ASN1_STRING_get0_data(value);
    bool good = length > 0 && length <= CE_NAME_BYTES;
    for (int at = 0; good && at < length; at += 1) {
        good = bytes[at] > 0x20 && bytes[at] < 0x7F;
    }
    return good;
}

static void add_alternatives(ce_text *text, X509 *certificate) {
    int critical = -1;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
    /* -1: it has none. All else without a list is a list that cannot be read, or two of them. */
    text->refused = text->refused || (names == NULL && critical != -1) || sk_GENERAL_NAME_num(names) > CE_NAMES_AT_MOST;
    for (int index = 0; index < sk_GENERAL_NAME_num(names) && !text->refused; index += 1) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
        const char *kind = kind_of(name);
        if (kind == NULL) {
            continue;
        }
        text->refused = !is_plain(name->d.ia5);
        if (!text->refused) {
            add_line(text, kind, (const char *)ASN1_STRING_get0_data(name->d.ia5),
                     (size_t)ASN1_STRING_length(name->d.ia5));
        }
    }
    GENERAL_NAMES_free(names);
}

char *ce_client_names(X509 *certificate) {
    /* An extension that OpenSSL could not read: what it limits is not known. */
    ce_text text = { .refused = (X509_get_extension_flags(certificate) & EXFLAG_INVALID) != 0 };
    add_subject(&text, certificate);
    add_alternatives(&text, certificate);
    ERR_clear_error();
    if (text.refused) {
        free(text.bytes);
        return NULL;
    }
    return text.bytes;
}
