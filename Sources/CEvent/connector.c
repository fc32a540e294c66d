/* Connections by libcurl's multi interface in the loop: addresses one after the other or side by side (RFC 8305), TLS, and the check of
 * the certificate. With CURLOPT_CONNECT_ONLY libcurl is done when the connection is there. The easy handle stays in the multi handle
 * as long as the connection lives: to remove it closes the connection. */
#include "connector_handle.h"
#include "loop.h"

#include <stdlib.h>
#include <string.h>

static void note_missing_socket(ce_channel *channel) {
    if (!channel->lacks_socket) {
        channel->lacks_socket = true;
        TAILQ_INSERT_TAIL(&channel->connector->without_socket, channel, next);
        event_active(channel->connector->timer, EV_TIMEOUT, 0);
    }
}

/* libcurl lets go of the connection when it is done with it. An idle one it would look after, and close one with bytes waiting;
 * reading, though there is nothing to read, makes the connection the handle's own again. */
static const char *take_over(ce_channel *channel) {
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(channel->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd == CURL_SOCKET_BAD) {
        return "libcurl lost the connection";
    }
    uint8_t byte;
    size_t count = 0;
    if (curl_easy_recv(channel->easy, &byte, 1, &count) != CURLE_AGAIN) {
        return count > 0 ? "it spoke before it was asked" : "it closed the connection before it was asked";
    }
    channel->fd = fd;
    struct curl_tlssessioninfo *session = NULL;
    curl_easy_getinfo(channel->easy, CURLINFO_TLS_SSL_PTR, &session);
    if (session != NULL && session->internals != NULL) {
        ce_channel_take_tls(channel, session->internals);
    }
    return NULL;
}

static const char *fault_of(ce_channel *channel, CURLcode result) {
    if (result == CURLE_OK) {
        return take_over(channel);
    }
    const char *reason = channel->reason[0] != '\0' ? channel->reason : curl_easy_strerror(result);
    return channel->tunnel != NULL ? ce_tunnel_behind(channel->tunnel, reason) : reason;
}

/* Messages are read outside libcurl's callbacks only: their receivers may close channels. */
static void read_messages(ce_connector *connector) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(connector->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE) {
            continue;
        }
        CURLcode result = message->data.result;
        ce_channel *channel = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&channel);
        ce_connector_has_socket(channel);
        if (channel->tunnel != NULL && ce_tunnel_state_of(channel->tunnel) == CE_TUNNEL_DIALLING) {
            ce_connector_reach_proxy(channel, result);
        } else {
            channel->outcome = CE_OUTCOME_UNREACHABLE;
            channel->connected(channel->context, fault_of(channel, result));
        }
    }
}

static void act(ce_connector *connector, curl_socket_t fd, int ready) {
    int running;
    curl_multi_socket_action(connector->multi, fd, ready, &running);
    read_messages(connector);
}

/* libcurl 7.88 goes on to a host's next address when it looks at the connection again, and nothing would make it look: the socket of
 * the address that refused is closed, and its timer is for what comes after the first two. */
static void try_next_address(ce_connector *connector) {
    ce_channel *channel;
    while ((channel = TAILQ_FIRST(&connector->without_socket)) != NULL) {
        ce_connector_has_socket(channel);
        curl_easy_pause(channel->easy, CURLPAUSE_RECV);
        curl_easy_pause(channel->easy, CURLPAUSE_CONT);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    try_next_address(context);
    act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long milliseconds, void *context) {
    (void)multi;
    ce_connector *connector = context;
    if (milliseconds < 0) {
        evtimer_del(connector->timer);
    } else {
        struct timeval after = { .tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000 };
        evtimer_add(connector->timer, &after);
    }
    return 0;
}

static void on_socket(evutil_socket_t fd, short what, void *context) {
    act(context, fd, ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *assigned) {
    ce_connector *connector = context;
    struct event *event = assigned;
    if (event != NULL) {
        event_free(event);
        event = NULL;
    }
    if (what != CURL_POLL_REMOVE) {
        short wanted =
            (short)(((what & CURL_POLL_IN) != 0 ? EV_READ : 0) | ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
        event = event_new(connector->loop->base, fd, (short)(wanted | EV_PERSIST), on_socket, connector);
        if (event == NULL || event_add(event, NULL) != 0) {
            abort();
        }
    }
    curl_multi_assign(connector->multi, fd, event);
    ce_channel *channel = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&channel);
    if (channel != NULL && channel->fd < 0 && what == CURL_POLL_REMOVE) {
        note_missing_socket(channel);
    }
    return 0;
}

void ce_connector_open(ce_connector *connector, ce_channel *channel, const char *origin, const char *resolve,
                       ce_tunnel *tunnel) {
    channel->connector = connector;
    channel->fd = -1;
    channel->tunnel = tunnel;
    channel->origin = origin;
    channel->resolve = resolve != NULL ? curl_slist_append(NULL, resolve) : NULL;
    channel->easy = ce_connector_handle(connector, channel, tunnel != NULL ? ce_tunnel_proxy_url(tunnel) : origin);
    if (tunnel != NULL) {
        ce_connector_keep_socket(channel);
    }
    ce_connector_begin(connector, channel);
}

void ce_connector_close(ce_channel *channel) {
    if (channel->ssl != NULL) {
        /* libcurl reads once more before it closes. */
        channel->budget = 0;
    }
    if (channel->easy != NULL) {
        ce_connector_let_go(channel);
    }
    ce_tunnel_free(channel->tunnel);
    channel->tunnel = NULL;
    channel->ssl = NULL;
    channel->fd = -1;
}

ce_connector *ce_connector_new(ce_loop *loop, const ce_pool_options *options) {
    static bool curl_is_up = false;
    if (!curl_is_up) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        curl_is_up = true;
    }
    ce_connector *connector = calloc(1, sizeof *connector);
    if (connector == NULL) {
        abort();
    }
    connector->loop = loop;
    connector->kept = CURL_SOCKET_BAD;
    TAILQ_INIT(&connector->without_socket);
    connector->skips_verification = options->skips_verification;
    connector->ca_file = options->ca_file != NULL ? strdup(options->ca_file) : NULL;
    connector->ca_pem = options->ca_pem != NULL ? strdup(options->ca_pem) : NULL;
    connector->timer = evtimer_new(loop->base, on_timer, connector);
    connector->multi = curl_multi_init();
    connector->share = curl_share_init();
    if (connector->timer == NULL || connector->multi == NULL || connector->share == NULL) {
        abort();
    }
    curl_share_setopt(connector->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    curl_multi_setopt(connector->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(connector->multi, CURLMOPT_SOCKETDATA, connector);
    curl_multi_setopt(connector->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(connector->multi, CURLMOPT_TIMERDATA, connector);
    curl_multi_setopt(connector->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return connector;
}

void ce_connector_free(ce_connector *connector) {
    curl_multi_cleanup(connector->multi);
    curl_share_cleanup(connector->share);
    event_free(connector->timer);
    free(connector->ca_file);
    free(connector->ca_pem);
    free(connector);
}
