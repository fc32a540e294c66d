/* Private to CEvent: turns of long bodies. What many of them move in one turn of the loop has a bound, so that the events of all others, which
 * are short, do not wait for all of them. */
#ifndef CE_TURNS_H
#define CE_TURNS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* From this size on, in bytes, a body counts as long. A shorter one may be a response that a client waits for. */
enum { CE_LONG_BODY_BYTES = 256 * 1024 };

/* One long body's. Zero: it does not wait. */
typedef struct ce_turn {
    void (*take)(void *context); /* moves a piece; must bound it itself */
    void *context;
    bool waits;
    TAILQ_ENTRY(ce_turn) next;
} ce_turn;

typedef struct ce_turns {
    TAILQ_HEAD(, ce_turn) waiting; /* the longest first */
    struct event *again;
    int64_t spent_ns; /* in this turn of the loop */
} ce_turns;

void ce_turns_init(ce_turns *turns, struct event_base *base);
/* At the beginning of a turn of the loop. */
void ce_turns_begin(ce_turns *turns);
/* Takes the turn now if there is time left for it in this turn of the loop, else when the turns before it have been taken. False: it has been
 * waiting already. */
bool ce_turn_take(ce_turns *turns, ce_turn *turn);
/* It is not to be taken any more. */
void ce_turn_leave(ce_turns *turns, ce_turn *turn);

#endif
