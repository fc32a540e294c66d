/* The multi handles that a pool's calls are spread over. libcurl looks for a kept connection among all of a multi handle's, one after
 * the other: with a thousand connections that costs more than all else of a call. A lane has few, and the first lanes are filled
 * first, so that connections stay in use and a quiet pool has one lane. */
#include "loop.h"
#include "pool.h"

#include <stdlib.h>

/* A lane but the first that has had no call for as long is closed, and with it its connections: libcurl looks after those only
 * while it has calls. */
enum { CE_LANE_IDLE_SECONDS = 60 };

/* Messages are read outside libcurl's callbacks only: ending a transfer frees what they stand on. */
void ce_lane_read_messages(ce_lane *lane) {
    CURLMsg *message;
    int left;
    while (lane->multi != NULL && (message = curl_multi_info_read(lane->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            ce_transfer *transfer = NULL;
            CURLcode result = message->data.result;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
            ce_transfer_finished(transfer, result);
        }
    }
}

void ce_lane_act(ce_lane *lane, curl_socket_t fd, int ready) {
    int running;
    lane->pool->turn += 1;
    curl_multi_socket_action(lane->multi, fd, ready, &running);
    ce_lane_read_messages(lane);
}

static void on_timer(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_lane_act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long milliseconds, void *context) {
    (void)multi;
    ce_lane *lane = context;
    if (milliseconds < 0) {
        evtimer_del(lane->timer);
    } else {
        struct timeval after = { .tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000 };
        evtimer_add(lane->timer, &after);
    }
    return 0;
}

static void shut(ce_lane *lane) {
    curl_multi_cleanup(lane->multi);
    lane->multi = NULL;
    evtimer_del(lane->timer);
    ce_name *name;
    TAILQ_FOREACH(name, &lane->pool->names, next) {
        name->loaded[lane - lane->pool->lanes] = false;
    }
}

static void on_idle(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_lane *lane = context;
    if (lane->calls == 0) {
        shut(lane);
        ce_pool_trim(lane->pool, CE_LANE_CONNECTIONS);
    }
}

static void open_lane(ce_lane *lane) {
    if (lane->timer == NULL) {
        lane->timer = evtimer_new(lane->pool->loop->base, on_timer, lane);
        lane->idle = evtimer_new(lane->pool->loop->base, on_idle, lane);
    }
    lane->multi = curl_multi_init();
    if (lane->timer == NULL || lane->idle == NULL || lane->multi == NULL) {
        abort();
    }
    curl_multi_setopt(lane->multi, CURLMOPT_SOCKETFUNCTION, ce_watch_set);
    curl_multi_setopt(lane->multi, CURLMOPT_SOCKETDATA, lane);
    curl_multi_setopt(lane->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(lane->multi, CURLMOPT_TIMERDATA, lane);
    curl_multi_setopt(lane->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    curl_multi_setopt(lane->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)lane->limit);
    curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, (long)lane->limit);
}

/* The first with room; when all are full, one after the other: libcurl lets calls wait there for a connection. */
static ce_lane *choose(ce_pool *pool) {
    for (size_t index = 0; index < pool->lane_count; index += 1) {
        if (pool->lanes[index].calls < pool->lanes[index].limit) {
            return &pool->lanes[index];
        }
    }
    pool->next_lane = (pool->next_lane + 1) % pool->lane_count;
    return &pool->lanes[pool->next_lane];
}

ce_lane *ce_lane_enter(ce_pool *pool) {
    ce_lane *lane = choose(pool);
    if (lane->multi == NULL) {
        open_lane(lane);
    }
    lane->calls += 1;
    return lane;
}

void ce_lane_leave(ce_lane *lane) {
    lane->calls -= 1;
    if (lane->calls == 0 && lane != lane->pool->lanes) {
        struct timeval after = { .tv_sec = CE_LANE_IDLE_SECONDS };
        evtimer_add(lane->idle, &after);
    }
}

void ce_lane_lost(ce_lane *lane) {
    /* Nobody else would close that socket: the next call here may be long in coming. The first lane's comes soon. */
    if (lane->calls == 0 && lane != lane->pool->lanes) {
        event_active(lane->idle, EV_TIMEOUT, 0);
    }
}

void ce_lanes_make(ce_pool *pool, uint32_t connections) {
    pool->lane_count = (connections + CE_LANE_CONNECTIONS - 1) / CE_LANE_CONNECTIONS;
    pool->lanes = calloc(pool->lane_count, sizeof *pool->lanes);
    if (pool->lanes == NULL) {
        abort();
    }
    for (size_t index = 0; index < pool->lane_count; index += 1) {
        uint32_t left = connections - (uint32_t)index * CE_LANE_CONNECTIONS;
        pool->lanes[index].pool = pool;
        pool->lanes[index].limit = left < CE_LANE_CONNECTIONS ? left : CE_LANE_CONNECTIONS;
    }
}

void ce_lanes_free(ce_pool *pool) {
    for (size_t index = 0; index < pool->lane_count; index += 1) {
        ce_lane *lane = &pool->lanes[index];
        if (lane->multi != NULL) {
            shut(lane);
        }
        if (lane->timer != NULL) {
            event_free(lane->timer);
            event_free(lane->idle);
        }
    }
    free(pool->lanes);
}
