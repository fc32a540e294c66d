#include "turns.h"

#include <stdlib.h>
#include <time.h>

/* What all long bodies together may take of a turn of the loop. One piece of 128 KiB takes about a tenth of it. */
enum { CE_TURN_NS = 1000 * 1000 };

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void take(ce_turns *turns, ce_turn *turn) {
    int64_t began = now_ns();
    turn->take(turn->context);
    turns->spent_ns += now_ns() - began;
}

static void go_on(ce_turns *turns) {
    /* A time limit, not event_active, which would have it in the same turn. */
    struct timeval next_turn = { 0 };
    if (!TAILQ_EMPTY(&turns->waiting) && !evtimer_pending(turns->again, NULL)) {
        evtimer_add(turns->again, &next_turn);
    }
}

static void on_again(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_turns *turns = context;
    ce_turn *turn;
    while (turns->spent_ns < CE_TURN_NS && (turn = TAILQ_FIRST(&turns->waiting)) != NULL) {
        ce_turn_leave(turns, turn);
        take(turns, turn);
    }
    go_on(turns);
}

void ce_turns_init(ce_turns *turns, struct event_base *base) {
    TAILQ_INIT(&turns->waiting);
    turns->again = evtimer_new(base, on_again, turns);
    if (turns->again == NULL) {
        abort();
    }
}

void ce_turns_begin(ce_turns *turns) {
    turns->spent_ns = 0;
}

bool ce_turn_take(ce_turns *turns, ce_turn *turn) {
    if (turn->waits) {
        return false;
    }
    if (TAILQ_EMPTY(&turns->waiting) && turns->spent_ns < CE_TURN_NS) {
        take(turns, turn);
        return true;
    }
    turn->waits = true;
    TAILQ_INSERT_TAIL(&turns->waiting, turn, next);
    go_on(turns);
    return true;
}

void ce_turn_leave(ce_turns *turns, ce_turn *turn) {
    if (turn->waits) {
        turn->waits = false;
        TAILQ_REMOVE(&turns->waiting, turn, next);
    }
}
