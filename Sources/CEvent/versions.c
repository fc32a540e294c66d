#include "CEvent.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdio.h>

void ce_versions(char *text, size_t capacity) {
    snprintf(text, capacity, "libevent %s, libcurl %s, %s", event_get_version(),
             curl_version_info(CURLVERSION_NOW)->version, OpenSSL_version(OPENSSL_VERSION));
}
