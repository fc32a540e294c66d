/* Private to CEvent: connections to other servers, kept between two calls. */
#ifndef CE_UPSTREAM_H
#define CE_UPSTREAM_H

#include "channel.h"
#include "connector.h"
#include "origins.h"

#include <event2/event.h>

typedef struct ce_upstream ce_upstream;

/* The user of a connection that is connecting or busy. It may close the connection or give it back. */
typedef struct ce_upstream_user {
    void (*connected)(void *context, const char *fault); /* fault: NULL, or why not; it is then still to be closed */
    void (*readable)(void *context);
    void (*writable)(void *context);
} ce_upstream_user;

typedef enum ce_upstream_state {
    CE_UPSTREAM_CONNECTING,
    CE_UPSTREAM_BUSY,
    CE_UPSTREAM_IDLE,
    CE_UPSTREAM_LEFT, /* it is not used any more, and is closed in its turn */
} ce_upstream_state;

typedef struct ce_upstreams {
    ce_loop *loop;
    ce_connector *connector;
    uint32_t kept_at_most; /* idle ones of one origin */
    uint32_t route;        /* another one with each change of the proxy: connections of an older one are not kept */
    struct ce_kept idle;   /* of all origins, the most recently used first */
    struct ce_kept left;
    struct event *ageing;
    struct event *closing; /* of those that are left */
} ce_upstreams;

struct ce_upstream {
    ce_channel channel;
    ce_upstreams *all;
    ce_origin *origin;
    ce_upstream_state state;
    uint32_t route;
    bool kept;         /* a call went over it before this one */
    bool read_enabled; /* of what comes in */
    const ce_upstream_user *user;
    void *context;
    struct event *readable, *writable; /* NULL before the connection is there */
    int64_t used_ms;
    TAILQ_ENTRY(ce_upstream) of_origin, of_all;
};

void ce_upstreams_init(ce_upstreams *all, ce_loop *loop, ce_connector *connector, uint32_t kept_at_most);
/* No connection may be connecting or busy. */
void ce_upstreams_end(ce_upstreams *all);

/* A kept connection on which nothing has come meanwhile; NULL: there is none. `acts`: for a request that may not be sent twice, which
 * goes on a connection that was used a moment ago or on a new one. */
ce_upstream *ce_upstream_take(ce_origin *origin, bool acts, const ce_upstream_user *user, void *context);
/* A new one, through a proxy unless that is NULL. `addresses`: of the proxy or else of the origin, as ce_names_find gives them, NULL for a
 * numeric host. */
ce_upstream *ce_upstream_open(ce_upstreams *all, ce_origin *origin, const ce_proxy *proxy, const char *addresses,
                              const ce_upstream_user *user, void *context);
/* Keeps it for another call. Only where the last one's request and response ended exactly. */
void ce_upstream_keep(ce_upstream *upstream);
void ce_upstream_close(ce_upstream *upstream);
/* Leaves the idle connections of an origin, which may be freed then. */
void ce_upstream_leave_idle(ce_origin *origin);
/* The way to some origins is another one now. Leaves all idle connections. */
void ce_upstreams_reroute(ce_upstreams *all);

/* Whether `readable` comes. */
void ce_upstream_set_reading(ce_upstream *upstream, bool read_enabled);
/* `readable` comes in the next turn, whether or not the socket has anything. */
void ce_upstream_read_again(ce_upstream *upstream);
/* `writable` comes once when the socket takes bytes; `now`: in the next turn. */
void ce_upstream_want_write(ce_upstream *upstream, bool now);

#endif
