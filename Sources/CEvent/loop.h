/* Private to CEvent: what its files share. */
#ifndef CE_LOOP_H
#define CE_LOOP_H

#include "CEvent.h"

#include "turns.h"

#include <event2/event.h>

struct ce_loop {
    struct event_base *base;
    struct event *wake;
    int wake_fd;
    ce_turns turns;
};

__attribute__((format(printf, 2, 3))) void ce_error_set(ce_error *error, const char *format, ...);
/* A new string, which the caller frees. */
char *ce_formatted(const char *format, ...);

#endif
