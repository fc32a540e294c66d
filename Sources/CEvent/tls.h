/* Private to CEvent. */
#ifndef CE_TLS_H
#define CE_TLS_H

#include "CEvent.h"

#include <openssl/ssl.h>

struct ce_tls {
    SSL_CTX *context;
    char *pem;
    int64_t expires;
};

#endif
