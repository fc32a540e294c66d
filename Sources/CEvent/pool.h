/* Private to CEvent: the curl multi handles, their names and their transfers. */
#ifndef CE_POOL_H
#define CE_POOL_H

#include "CEvent.h"

#include <curl/curl.h>
#include <event2/buffer.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <sys/queue.h>

TAILQ_HEAD(ce_transfers, ce_transfer);

/* An origin's host, and the addresses that libcurl is to use for it. Lives as long as the pool. */
typedef struct ce_name {
    char *origin; /* `scheme://host[:port]` as in the URLs */
    char *host;
    char *port;
    char *host_line; /* the field `Host` */
    CURLU *url;      /* the origin, parsed */
    bool numeric;    /* nothing to look up */
    bool looking;
    bool *loaded; /* of each lane, whether libcurl has the present addresses there */
    struct curl_slist *addresses;
    int64_t expires_ms;
    struct ce_transfers waiting;
    ce_pool *pool;
    TAILQ_ENTRY(ce_name) next;
} ce_name;

typedef enum ce_stage {
    CE_STAGE_NAMING,
    CE_STAGE_CONNECTING,
    CE_STAGE_WAITING,
    CE_STAGE_RECEIVING,
    CE_STAGE_ENDING
} ce_stage;

/* As much of one body is read at once. More brings little and costs memory. */
enum { CE_BUFFER_BYTES = 128 * 1024 };
/* As much of one body is taken before others have their turn. The read that goes beyond it is copied by libcurl, which lets go of
 * the socket until the next turn: with one buffer a turn that were every second read. */
enum { CE_TURN_BYTES = 2 * CE_BUFFER_BYTES };
enum { CE_HEAD_BYTES = 64 * 1024, CE_HEAD_FIELDS = 200, CE_INTERIM_HEADS = 10 };

enum { CE_LANE_CONNECTIONS = 32 };

/* One of libcurl's multi handles. */
typedef struct ce_lane {
    ce_pool *pool;
    CURLM *multi; /* NULL: closed */
    struct event *timer;
    struct event *idle;
    uint32_t limit; /* connections to one origin */
    size_t calls;
} ce_lane;

/* An upstream answer's head as it comes in, line by line. */
typedef struct ce_head {
    uint8_t *bytes;
    size_t length, capacity;
    ce_field fields[CE_HEAD_FIELDS];
    size_t field_count;
    int status;
    int interim;
    bool complete;
    ce_span content_length;
    bool has_length, has_encoding;
} ce_head;

struct ce_transfer {
    ce_pool *pool;
    ce_lane *lane; /* from its way to libcurl on */
    CURL *easy;
    ce_name *set_for; /* the origin that the handle is set to */
    bool set_for_get; /* so is its method: GET without content */
    struct event *limit;
    struct event *again; /* goes on with a transfer that made way for others */
    ce_name *name;
    ce_stage stage;
    ce_outcome outcome;
    const ce_transfer_events *events;
    void *context;
    uint32_t connect_ms, first_byte_ms, stall_ms;
    uint64_t received, received_at_check;
    uint64_t turn, taken_in_turn;
    unsigned attempts;
    bool repeatable; /* a safe method: may be sent again over a fresh connection */
    bool added, paused;
    struct evbuffer *upload; /* of a streamed body, what libcurl has not taken yet; made at the first use */
    bool streams, upload_ended, upload_starved;
    uint64_t sent, sent_at_check;
    char *text;               /* the field lines, then the request target */
    struct curl_slist *nodes; /* one per line, in one block */
    size_t text_length, text_capacity, node_capacity;
    ce_head head;
    char reason[CURL_ERROR_SIZE];      /* ours, if we ended it */
    char curl_reason[CURL_ERROR_SIZE]; /* libcurl's; it also comments on what we end */
    TAILQ_ENTRY(ce_transfer) next;
};

typedef struct ce_watch ce_watch;

struct ce_pool {
    ce_loop *loop;
    ce_lane *lanes;
    size_t lane_count, next_lane;
    ce_watch **watches; /* by descriptor; NULL: it was never libcurl's */
    size_t watch_count;
    struct event *work;
    struct evdns_base *dns;
    bool trust_anybody;
    char *ca_file;
    char *ca_pem;
    TAILQ_HEAD(, ce_name) names;
    struct ce_transfers ending; /* to be ended in the next poll */
    struct ce_transfers spare;
    size_t spare_count;
    uint64_t turn; /* counts the calls of libcurl that may move bytes */
    ce_pool_counts counts;
};

int64_t ce_now_ms(void);

void ce_lanes_make(ce_pool *pool, uint32_t connections);
/* No call may be under way. */
void ce_lanes_free(ce_pool *pool);
/* Gives the lane for one more call, until it leaves. */
ce_lane *ce_lane_enter(ce_pool *pool);
void ce_lane_leave(ce_lane *lane);
/* The other side has closed one of its idle connections. */
void ce_lane_lost(ce_lane *lane);
/* Has libcurl do what is due at a socket, or at CURL_SOCKET_TIMEOUT, and ends the calls that have come to their end. */
void ce_lane_act(ce_lane *lane, curl_socket_t fd, int ready);
/* Ends the calls that have come to their end. */
void ce_lane_read_messages(ce_lane *lane);
/* Lets go of spare transfers down to `count`. */
void ce_pool_trim(ce_pool *pool, size_t count);

/* libcurl's socket callback. */
int ce_watch_set(CURL *easy, curl_socket_t fd, int what, void *lane, void *unused);
/* Closes a socket for libcurl. */
int ce_watch_close(void *pool, curl_socket_t fd);
/* Behind the cleanup of the multi handles. */
void ce_watches_free(ce_pool *pool);

/* Finds or makes the name for a URL; NULL if the URL has no host, or one that two readers could read in two ways. */
ce_name *ce_name_for(ce_pool *pool, const char *url);
/* True if the addresses are known; else the transfer is in `waiting` and goes on by itself. */
bool ce_name_ready(ce_name *name, ce_transfer *transfer);
void ce_names_free(ce_pool *pool);

void ce_transfer_on_limit(evutil_socket_t fd, short what, void *transfer);
ce_transfer *ce_transfer_new(ce_pool *pool);
/* `name` is of the call's URL. Returns NULL, or why the call cannot be sent. */
const char *ce_transfer_prepare(ce_transfer *transfer, const ce_call *call, ce_name *name);
/* Starts the time limit of the present stage anew. */
void ce_transfer_limit(ce_transfer *transfer, uint32_t milliseconds);
void ce_transfer_go(ce_transfer *transfer);
void ce_transfer_fail(ce_transfer *transfer, ce_outcome outcome, const char *reason);
void ce_transfer_end(ce_transfer *transfer, ce_outcome outcome, const char *reason);
void ce_transfer_finished(ce_transfer *transfer, CURLcode result);
void ce_transfer_release(ce_transfer *transfer);

/* libcurl's read callback. */
size_t ce_transfer_read(char *into, size_t size, size_t count, void *transfer);
/* Tells libcurl which directions may move. */
void ce_transfer_apply_pauses(ce_transfer *transfer);

void ce_head_reset(ce_head *head);
/* Takes one line as libcurl gives it. Returns NULL, or what is wrong with it. */
const char *ce_head_line(ce_head *head, const char *line, size_t length);

#endif
