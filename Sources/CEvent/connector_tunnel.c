/* A channel through a proxy: libcurl connects to the proxy, the tunnel is asked for (tunnel.c), and libcurl gets its socket back for TLS. */
#include "connector_handle.h"
#include "loop.h"

#include <unistd.h>

/* A copy of the descriptor would not do: while a copy is open the kernel's epoll goes on reporting a descriptor that is closed. */
static int close_unless_kept(void *context, curl_socket_t fd) {
    ce_connector *connector = context;
    return fd == connector->kept ? 0 : close(fd);
}

void ce_connector_keep_socket(ce_channel *channel) {
    curl_easy_setopt(channel->easy, CURLOPT_CLOSESOCKETFUNCTION, close_unless_kept);
    curl_easy_setopt(channel->easy, CURLOPT_CLOSESOCKETDATA, channel->connector);
}

static curl_socket_t give_tunnel(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)purpose;
    (void)address;
    ce_channel *channel = context;
    int fd = ce_tunnel_take_socket(channel->tunnel);
    return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

static int is_connected(void *context, curl_socket_t fd, curlsocktype purpose) {
    (void)context;
    (void)fd;
    (void)purpose;
    return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static void on_answered(void *context, ce_outcome outcome, const char *reason) {
    ce_channel *channel = context;
    if (outcome != CE_OUTCOME_COMPLETE) {
        channel->outcome = outcome;
        channel->connected(channel->context, reason);
        return;
    }
    /* It may say why the first of the proxy's addresses did not answer. */
    channel->reason[0] = '\0';
    channel->easy = ce_connector_handle(channel->connector, channel, channel->origin);
    channel->resolve = curl_slist_append(NULL, ce_tunnel_connect_to(channel->tunnel));
    curl_easy_setopt(channel->easy, CURLOPT_CONNECT_TO, channel->resolve);
    curl_easy_setopt(channel->easy, CURLOPT_OPENSOCKETFUNCTION, give_tunnel);
    curl_easy_setopt(channel->easy, CURLOPT_OPENSOCKETDATA, channel);
    curl_easy_setopt(channel->easy, CURLOPT_SOCKOPTFUNCTION, is_connected);
    ce_connector_begin(channel->connector, channel);
}

void ce_connector_reach_proxy(ce_channel *channel, CURLcode result) {
    ce_connector *connector = channel->connector;
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (result == CURLE_OK) {
        curl_easy_getinfo(channel->easy, CURLINFO_ACTIVESOCKET, &fd);
    }
    if (fd == CURL_SOCKET_BAD) {
        const char *reason = channel->reason[0] != '\0' ? channel->reason : curl_easy_strerror(result);
        channel->outcome = CE_OUTCOME_PROXY_UNREACHABLE;
        channel->connected(channel->context, ce_tunnel_unreached(channel->tunnel, reason));
        return;
    }
    connector->kept = fd;
    ce_connector_let_go(channel);
    connector->kept = CURL_SOCKET_BAD;
    ce_tunnel_ask(channel->tunnel, connector->loop->base, fd, on_answered, channel);
}
