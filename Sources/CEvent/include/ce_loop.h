/* loop.c: one event base, its timers and its signals */
#ifndef CEVENT_CE_LOOP_H
#define CEVENT_CE_LOOP_H

#include "ce_types.h"

typedef void (*ce_callback)(void *context);

ce_loop *ce_loop_new(void);
/* Whether this process has made one. */
bool ce_loop_exists(void);
/* One poll: if `wait`, sleeps until something happens; then runs the callbacks of what did. */
void ce_loop_poll(ce_loop *loop, bool wait);
/* Ends the sleep of ce_loop_poll. The one call that any thread may make. */
void ce_loop_wake(ce_loop *loop);

ce_timer *ce_timer_new(ce_loop *loop, ce_callback fire, void *context);
void ce_timer_start(ce_timer *timer, uint64_t milliseconds);
void ce_timer_stop(ce_timer *timer);
void ce_timer_free(ce_timer *timer);

/* Calls back whenever `fd` can be read, and while ce_watch_writing says so whenever it can be written. The descriptor stays the caller's. */
ce_watch *ce_watch_new(ce_loop *loop, int fd, ce_callback readable, ce_callback writable, void *context);
void ce_watch_writing(ce_watch *watch, bool wanted);
void ce_watch_free(ce_watch *watch);

ce_signal *ce_signal_new(ce_loop *loop, int number, ce_callback fire, void *context);
void ce_signal_free(ce_signal *signal);

#endif
