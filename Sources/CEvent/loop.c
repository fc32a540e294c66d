#define _GNU_SOURCE
#include "loop.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct ce_timer {
    struct event *event;
    ce_callback fire;
    void *context;
};

struct ce_watch {
    struct event *reading, *writing;
    ce_callback readable, writable;
    void *context;
};

struct ce_signal {
    struct event *event;
    ce_callback fire;
    void *context;
};

void ce_error_set(ce_error *error, const char *format, ...) {
    if (error == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->reason, sizeof error->reason, format, arguments);
    va_end(arguments);
}

char *ce_formatted(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text;
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        abort();
    }
    return text;
}

static void on_wake(evutil_socket_t fd, short what, void *context) {
    (void)what;
    (void)context;
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof count);
    (void)ignored;
}

static bool exists;

bool ce_loop_exists(void) {
    return exists;
}

ce_loop *ce_loop_new(void) {
    exists = true;
    /* A client that hangs up must cost a failed write, not the process. */
    signal(SIGPIPE, SIG_IGN);
    ce_loop *loop = calloc(1, sizeof *loop);
    struct event_config *config = event_config_new();
    if (loop == NULL || config == NULL) {
        abort();
    }
    event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->base == NULL || loop->wake_fd < 0) {
        abort();
    }
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, NULL);
    event_add(loop->wake, NULL);
    ce_turns_init(&loop->turns, loop->base);
    return loop;
}

void ce_loop_poll(ce_loop *loop, bool wait) {
    ce_turns_begin(&loop->turns);
    event_base_loop(loop->base, wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

void ce_loop_wake(ce_loop *loop) {
    uint64_t one = 1;
    ssize_t ignored = write(loop->wake_fd, &one, sizeof one);
    (void)ignored;
}

static void on_timer(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_timer *timer = context;
    timer->fire(timer->context);
}

ce_timer *ce_timer_new(ce_loop *loop, ce_callback fire, void *context) {
    ce_timer *timer = malloc(sizeof *timer);
    if (timer == NULL) {
        abort();
    }
    timer->fire = fire;
    timer->context = context;
    timer->event = evtimer_new(loop->base, on_timer, timer);
    return timer;
}

void ce_timer_start(ce_timer *timer, uint64_t milliseconds) {
    struct timeval after = { .tv_sec = (time_t)(milliseconds / 1000),
                             .tv_usec = (suseconds_t)(milliseconds % 1000) * 1000 };
    evtimer_add(timer->event, &after);
}

void ce_timer_stop(ce_timer *timer) {
    evtimer_del(timer->event);
}

void ce_timer_free(ce_timer *timer) {
    event_free(timer->event);
    free(timer);
}

static void on_watched(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    ce_watch *watch = context;
    /* The last call: the callback may free the watch. */
    (what & EV_WRITE ? watch->writable : watch->readable)(watch->context);
}

ce_watch *ce_watch_new(ce_loop *loop, int fd, ce_callback readable, ce_callback writable, void *context) {
    ce_watch *watch = malloc(sizeof *watch);
    if (watch == NULL) {
        abort();
    }
    watch->readable = readable;
    watch->writable = writable;
    watch->context = context;
    watch->reading = event_new(loop->base, fd, EV_READ | EV_PERSIST, on_watched, watch);
    watch->writing = event_new(loop->base, fd, EV_WRITE | EV_PERSIST, on_watched, watch);
    if (watch->reading == NULL || watch->writing == NULL || event_add(watch->reading, NULL) != 0) {
        abort();
    }
    return watch;
}

void ce_watch_writing(ce_watch *watch, bool wanted) {
    if (wanted) {
        event_add(watch->writing, NULL);
    } else {
        event_del(watch->writing);
    }
}

void ce_watch_free(ce_watch *watch) {
    event_free(watch->reading);
    event_free(watch->writing);
    free(watch);
}

static void on_signal(evutil_socket_t number, short what, void *context) {
    (void)number;
    (void)what;
    ce_signal *signal = context;
    signal->fire(signal->context);
}

ce_signal *ce_signal_new(ce_loop *loop, int number, ce_callback fire, void *context) {
    ce_signal *signal = malloc(sizeof *signal);
    if (signal == NULL) {
        abort();
    }
    signal->fire = fire;
    signal->context = context;
    signal->event = evsignal_new(loop->base, number, on_signal, signal);
    if (signal->event == NULL || event_add(signal->event, NULL) != 0) {
        abort();
    }
    return signal;
}

void ce_signal_free(ce_signal *signal) {
    event_free(signal->event);
    free(signal);
}
