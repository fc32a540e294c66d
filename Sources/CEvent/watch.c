/* libcurl's sockets in the loop. Between two calls over a kept connection libcurl lets go of its socket and takes it up again; the
 * kernel need not hear of that, so the event stays. It goes when the socket is closed, or speaks while nobody listens. */
#include "loop.h"
#include "pool.h"

#include <stdlib.h>
#include <unistd.h>

struct ce_watch {
    ce_lane *lane; /* whose socket it is, or was last */
    struct event *event;
    short what;  /* for which the event is added; 0: it is not */
    bool wanted; /* by libcurl */
};

static void stop(ce_watch *watch) {
    if (watch->what != 0) {
        event_del(watch->event);
        watch->what = 0;
    }
}

static void on_socket(evutil_socket_t fd, short what, void *context) {
    ce_watch *watch = context;
    if (!watch->wanted) {
        /* The other side has closed it, most likely: libcurl finds that out before it uses the connection. */
        stop(watch);
        ce_lane_lost(watch->lane);
        return;
    }
    ce_lane_act(watch->lane, fd,
                ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static ce_watch *watch_of(ce_pool *pool, curl_socket_t fd) {
    size_t index = (size_t)fd;
    if (index >= pool->watch_count) {
        size_t count = index + 64;
        ce_watch **watches = realloc(pool->watches, count * sizeof *watches);
        if (watches == NULL) {
            abort();
        }
        for (size_t at = pool->watch_count; at < count; at += 1) {
            watches[at] = NULL;
        }
        pool->watches = watches;
        pool->watch_count = count;
    }
    if (pool->watches[index] == NULL) {
        ce_watch *watch = calloc(1, sizeof *watch);
        if (watch == NULL || (watch->event = event_new(pool->loop->base, fd, EV_READ, on_socket, watch)) == NULL) {
            abort();
        }
        pool->watches[index] = watch;
    }
    return pool->watches[index];
}

int ce_watch_set(CURL *easy, curl_socket_t fd, int what, void *context, void *unused) {
    (void)unused;
    ce_lane *lane = context;
    ce_pool *pool = lane->pool;
    ce_watch *watch = watch_of(pool, fd);
    watch->lane = lane;
    watch->wanted = what != CURL_POLL_REMOVE;
    if (what == CURL_POLL_REMOVE) {
        /* Only behind an answer's head is it sure that libcurl closes this socket by ce_watch_close. */
        ce_transfer *transfer = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
        if (watch->what != EV_READ || transfer == NULL || !transfer->head.complete) {
            stop(watch);
        }
        return 0;
    }
    short wanted = (short)(((what & CURL_POLL_IN) != 0 ? EV_READ : 0) | ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0));
    if (watch->what != wanted) {
        stop(watch);
        event_assign(watch->event, pool->loop->base, fd, (short)(wanted | EV_PERSIST), on_socket, watch);
        event_add(watch->event, NULL);
        watch->what = wanted;
    }
    return 0;
}

int ce_watch_close(void *context, curl_socket_t fd) {
    ce_pool *pool = context;
    if ((size_t)fd < pool->watch_count && pool->watches[fd] != NULL) {
        stop(pool->watches[fd]);
    }
    return close(fd);
}

void ce_watches_free(ce_pool *pool) {
    for (size_t index = 0; index < pool->watch_count; index += 1) {
        if (pool->watches[index] != NULL) {
            event_free(pool->watches[index]->event);
            free(pool->watches[index]);
        }
    }
    free(pool->watches);
}
