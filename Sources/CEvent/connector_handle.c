/* libcurl's handle of one connection: set up with all common options, begun, and released. */
#include "connector_handle.h"

#include <stdlib.h>
#include <string.h>

/* Longer than a handle takes from its addresses to its first use of them, and short, so that names do not pile up. */
enum { CE_ADDRESSES_HELD_SECONDS = 10 };

void ce_connector_has_socket(ce_channel *channel) {
    if (channel->lacks_socket) {
        TAILQ_REMOVE(&channel->connector->without_socket, channel, next);
        channel->lacks_socket = false;
    }
}

static CURLcode on_tls_context(CURL *easy, void *context, void *channel) {
    (void)easy;
    ce_channel_guard(channel, context);
    return CURLE_OK;
}

static void trust(ce_connector *connector, CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, connector->skips_verification ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, connector->skips_verification ? 0L : 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (connector->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, connector->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    } else if (connector->ca_pem != NULL) {
        struct curl_blob blob = { connector->ca_pem, strlen(connector->ca_pem), CURL_BLOB_NOCOPY };
        curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
}

CURL *ce_connector_handle(ce_connector *connector, ce_channel *channel, const char *origin) {
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        abort();
    }
    curl_easy_setopt(easy, CURLOPT_URL, origin);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, channel);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* The least: bytes are received past this buffer, which each handle has all the same. */
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 1024L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    /* The way through a proxy is ours (tunnel.h). One from the environment would be a way out that no setting of ours shows. */
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    /* Of TLS's ALPN: we speak nothing else. */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)CE_ADDRESSES_HELD_SECONDS);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, channel->resolve);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, channel->reason);
    curl_easy_setopt(easy, CURLOPT_SHARE, connector->share);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, channel);
    trust(connector, easy);
    return easy;
}

void ce_connector_begin(ce_connector *connector, ce_channel *channel) {
    if (curl_multi_add_handle(connector->multi, channel->easy) != CURLM_OK) {
        abort();
    }
    /* Saves a turn of the loop. What there is to be told is told in the next one. */
    int running;
    curl_multi_socket_action(connector->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    event_active(connector->timer, EV_TIMEOUT, 0);
}

void ce_connector_let_go(ce_channel *channel) {
    /* libcurl's callbacks need it no more. */
    curl_easy_setopt(channel->easy, CURLOPT_PRIVATE, NULL);
    ce_connector_has_socket(channel);
    curl_multi_remove_handle(channel->connector->multi, channel->easy);
    curl_easy_cleanup(channel->easy);
    curl_slist_free_all(channel->resolve);
    channel->easy = NULL;
    channel->resolve = NULL;
}
