#include "upstream.h"
#include "clock.h"
#include "loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CE_IDLE_MS = 50 * 1000,
    CE_AGEING_SECONDS = 5,
    /* A server that closes idle connections closes none that has just been used. */
    CE_JUST_USED_MS = 1000,
    /* As many are closed in one turn: TLS, libcurl and the kernel take some 40 µs for each. Hundreds may have to go at the same time. */
    CE_CLOSED_A_TURN = 16,
};

static void forget_idle(ce_upstream *upstream) {
    TAILQ_REMOVE(&upstream->origin->kept, upstream, of_origin);
    TAILQ_REMOVE(&upstream->all->idle, upstream, of_all);
    upstream->origin->kept_count -= 1;
}

void ce_upstream_close(ce_upstream *upstream) {
    if (upstream->state == CE_UPSTREAM_IDLE) {
        forget_idle(upstream);
    } else if (upstream->state == CE_UPSTREAM_LEFT) {
        TAILQ_REMOVE(&upstream->all->left, upstream, of_all);
    }
    if (upstream->readable != NULL) {
        event_free(upstream->readable);
        event_free(upstream->writable);
    }
    ce_connector_close(&upstream->channel);
    free(upstream);
}

static void close_soon(ce_upstreams *all) {
    struct timeval now = { .tv_sec = 0 };
    event_add(all->closing, &now);
}

/* From here on the connection is idle and has no exchange. */
static void leave(ce_upstream *upstream) {
    ce_upstreams *all = upstream->all;
    forget_idle(upstream);
    ce_upstream_set_reading(upstream, false);
    upstream->origin = NULL;
    upstream->state = CE_UPSTREAM_LEFT;
    TAILQ_INSERT_TAIL(&all->left, upstream, of_all);
    close_soon(all);
}

static void on_closing(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_upstreams *all = context;
    ce_upstream *upstream;
    for (int count = 0; count < CE_CLOSED_A_TURN && (upstream = TAILQ_FIRST(&all->left)) != NULL; count += 1) {
        ce_upstream_close(upstream);
    }
    if (!TAILQ_EMPTY(&all->left)) {
        close_soon(all);
    }
}

void ce_upstream_leave_idle(ce_origin *origin) {
    ce_upstream *upstream;
    while ((upstream = TAILQ_FIRST(&origin->kept)) != NULL) {
        leave(upstream);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_upstream *upstream = context;
    if (upstream->state == CE_UPSTREAM_BUSY) {
        upstream->user->readable(upstream->context);
    } else if (upstream->state == CE_UPSTREAM_IDLE && !ce_channel_is_quiet(&upstream->channel)) {
        /* It has closed, or sends bytes that were not asked for: they would be read as the response to the next request. */
        leave(upstream);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_upstream *upstream = context;
    if (upstream->state == CE_UPSTREAM_BUSY) {
        upstream->user->writable(upstream->context);
    }
}

static void on_connected(void *context, const char *fault) {
    ce_upstream *upstream = context;
    if (fault == NULL) {
        struct event_base *base = upstream->all->loop->base;
        upstream->readable = event_new(base, upstream->channel.fd, EV_READ | EV_PERSIST, on_readable, upstream);
        upstream->writable = event_new(base, upstream->channel.fd, EV_WRITE, on_writable, upstream);
        if (upstream->readable == NULL || upstream->writable == NULL) {
            abort();
        }
        upstream->state = CE_UPSTREAM_BUSY;
        ce_upstream_set_reading(upstream, true);
    }
    upstream->user->connected(upstream->context, fault);
}

ce_upstream *ce_upstream_open(ce_upstreams *all, ce_origin *origin, const ce_proxy *proxy, const char *addresses,
                              const ce_upstream_user *user, void *context) {
    ce_upstream *upstream = calloc(1, sizeof *upstream);
    if (upstream == NULL) {
        abort();
    }
    upstream->all = all;
    upstream->origin = origin;
    upstream->route = all->route;
    upstream->user = user;
    upstream->context = context;
    upstream->channel.connected = on_connected;
    upstream->channel.context = upstream;
    char resolve[2048];
    if (addresses != NULL) {
        /* `+`: not for ever. */
        snprintf(resolve, sizeof resolve, "+%s:%s:%s", proxy != NULL ? proxy->host : origin->host,
                 proxy != NULL ? proxy->port : origin->port, addresses);
    }
    ce_connector_open(all->connector, &upstream->channel, origin->entry.key, addresses != NULL ? resolve : NULL,
                      proxy != NULL ? ce_tunnel_new(proxy, origin) : NULL);
    return upstream;
}

static ce_upstream *fit_of(ce_origin *origin, bool acts) {
    int64_t now = ce_now_ms();
    ce_upstream *upstream;
    while ((upstream = TAILQ_FIRST(&origin->kept)) != NULL) {
        int64_t idle_ms = now - upstream->used_ms;
        if (acts && idle_ms > CE_JUST_USED_MS) {
            return NULL;
        }
        if (idle_ms <= CE_IDLE_MS && ce_channel_is_quiet(&upstream->channel)) {
            return upstream;
        }
        leave(upstream);
    }
    return NULL;
}

ce_upstream *ce_upstream_take(ce_origin *origin, bool acts, const ce_upstream_user *user, void *context) {
    ce_upstream *upstream = fit_of(origin, acts);
    if (upstream != NULL) {
        forget_idle(upstream);
        upstream->state = CE_UPSTREAM_BUSY;
        upstream->kept = true;
        upstream->user = user;
        upstream->context = context;
    }
    return upstream;
}

void ce_upstream_keep(ce_upstream *upstream) {
    ce_upstreams *all = upstream->all;
    ce_origin *origin = upstream->origin;
    if (all->kept_at_most == 0 || upstream->route != all->route) {
        ce_upstream_close(upstream);
        return;
    }
    if (origin->kept_count >= all->kept_at_most) {
        leave(TAILQ_LAST(&origin->kept, ce_kept));
    }
    upstream->state = CE_UPSTREAM_IDLE;
    upstream->used_ms = ce_now_ms();
    TAILQ_INSERT_HEAD(&origin->kept, upstream, of_origin);
    TAILQ_INSERT_HEAD(&all->idle, upstream, of_all);
    origin->kept_count += 1;
    event_del(upstream->writable);
    ce_upstream_set_reading(upstream, true);
    if (upstream->channel.ssl != NULL && SSL_has_pending(upstream->channel.ssl)) {
        ce_upstream_read_again(upstream);
    }
    if (!evtimer_pending(all->ageing, NULL)) {
        struct timeval after = { .tv_sec = CE_AGEING_SECONDS };
        evtimer_add(all->ageing, &after);
    }
}

static void on_ageing(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_upstreams *all = context;
    int64_t oldest = ce_now_ms() - CE_IDLE_MS;
    ce_upstream *upstream;
    while ((upstream = TAILQ_LAST(&all->idle, ce_kept)) != NULL && upstream->used_ms < oldest) {
        leave(upstream);
    }
    if (upstream != NULL) {
        struct timeval after = { .tv_sec = CE_AGEING_SECONDS };
        evtimer_add(all->ageing, &after);
    }
}

void ce_upstream_set_reading(ce_upstream *upstream, bool read_enabled) {
    if (upstream->read_enabled != read_enabled) {
        upstream->read_enabled = read_enabled;
        if (read_enabled) {
            event_add(upstream->readable, NULL);
        } else {
            event_del(upstream->readable);
        }
    }
}

void ce_upstream_read_again(ce_upstream *upstream) {
    event_active(upstream->readable, EV_READ, 0);
}

void ce_upstream_want_write(ce_upstream *upstream, bool now) {
    if (now) {
        event_active(upstream->writable, EV_WRITE, 0);
    } else {
        event_add(upstream->writable, NULL);
    }
}

void ce_upstreams_init(ce_upstreams *all, ce_loop *loop, ce_connector *connector, uint32_t kept_at_most) {
    *all = (ce_upstreams){ .loop = loop, .connector = connector, .kept_at_most = kept_at_most };
    TAILQ_INIT(&all->idle);
    TAILQ_INIT(&all->left);
    all->ageing = evtimer_new(loop->base, on_ageing, all);
    all->closing = evtimer_new(loop->base, on_closing, all);
    if (all->ageing == NULL || all->closing == NULL) {
        abort();
    }
}

static void leave_all_idle(ce_upstreams *all) {
    ce_upstream *upstream;
    while ((upstream = TAILQ_FIRST(&all->idle)) != NULL) {
        leave(upstream);
    }
}

void ce_upstreams_reroute(ce_upstreams *all) {
    all->route += 1;
    leave_all_idle(all);
}

void ce_upstreams_end(ce_upstreams *all) {
    leave_all_idle(all);
    ce_upstream *upstream;
    while ((upstream = TAILQ_FIRST(&all->left)) != NULL) {
        ce_upstream_close(upstream);
    }
    event_free(all->ageing);
    event_free(all->closing);
}
