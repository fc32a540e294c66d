/* Private to connector*.c: libcurl's handles. Calls lead from connector.c to connector_tunnel.c to connector_handle.c. */
#ifndef CE_CONNECTOR_HANDLE_H
#define CE_CONNECTOR_HANDLE_H

#include "connector.h"

#include <event2/event.h>

struct ce_connector {
    ce_loop *loop;
    CURLM *multi;
    CURLSH *share; /* of TLS sessions */
    struct event *timer;
    TAILQ_HEAD(, ce_channel) without_socket; /* connecting, with no socket that could tell how it goes */
    curl_socket_t kept;                      /* a socket that is ours when libcurl lets go of it */
    bool skips_verification;
    char *ca_file;
    char *ca_pem;
};

/* ---- connector_handle.c ---- */
/* A handle that connects to `url`, not begun yet. */
CURL *ce_connector_handle(ce_connector *connector, ce_channel *channel, const char *url);
void ce_connector_begin(ce_connector *connector, ce_channel *channel);
/* It is no longer connecting, or has a socket again: leaves the list of channels without one. */
void ce_connector_has_socket(ce_channel *channel);
/* Frees the channel's handle, and closes its connection. */
void ce_connector_let_go(ce_channel *channel);

/* ---- connector_tunnel.c ---- */
/* Of the handle to a proxy, before it begins: its socket can be kept. */
void ce_connector_keep_socket(ce_channel *channel);
/* libcurl has finished connecting to the proxy, successfully or not. */
void ce_connector_reach_proxy(ce_channel *channel, CURLcode result);

#endif
