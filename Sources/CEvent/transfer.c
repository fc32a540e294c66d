#include "loop.h"
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CE_SPARE_AT_MOST = 256, CE_IDLE_CONNECTION_SECONDS = 50 };

static void arm(ce_transfer *transfer, uint32_t milliseconds) {
    struct timeval after = { .tv_sec = milliseconds / 1000, .tv_usec = (milliseconds % 1000) * 1000 };
    evtimer_add(transfer->limit, &after);
}

void ce_transfer_fail(ce_transfer *transfer, ce_outcome outcome, const char *reason) {
    if (transfer->stage == CE_STAGE_ENDING) {
        return;
    }
    if (transfer->stage == CE_STAGE_NAMING && transfer->name != NULL && transfer->name->looking) {
        TAILQ_REMOVE(&transfer->name->waiting, transfer, next);
    }
    transfer->stage = CE_STAGE_ENDING;
    transfer->outcome = outcome;
    snprintf(transfer->reason, sizeof transfer->reason, "%s", reason);
    TAILQ_INSERT_TAIL(&transfer->pool->ending, transfer, next);
    event_active(transfer->pool->work, EV_TIMEOUT, 0);
}

/* While a streamed body moves, or waits for the client that sends it, the other side cannot be expected to answer. */
static bool is_uploading(const ce_transfer *transfer) {
    return transfer->streams && (transfer->upload_starved || transfer->sent != transfer->sent_at_check);
}

static void on_limit(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_transfer *transfer = context;
    switch (transfer->stage) {
    case CE_STAGE_NAMING: {
        char reason[300];
        snprintf(reason, sizeof reason, "the name %s was not found within the time limit", transfer->name->host);
        ce_transfer_fail(transfer, CE_OUTCOME_UNREACHABLE, reason);
        break;
    }
    case CE_STAGE_CONNECTING:
        ce_transfer_fail(transfer, CE_OUTCOME_UNREACHABLE, "no connection within the time limit");
        break;
    case CE_STAGE_WAITING:
        if (is_uploading(transfer)) {
            transfer->sent_at_check = transfer->sent;
            arm(transfer, transfer->first_byte_ms);
            break;
        }
        ce_transfer_fail(transfer, CE_OUTCOME_TOO_SLOW, "no answer within the time limit");
        break;
    case CE_STAGE_RECEIVING:
        if (transfer->paused || transfer->received != transfer->received_at_check) {
            transfer->received_at_check = transfer->received;
            arm(transfer, transfer->stall_ms);
        } else {
            ce_transfer_fail(transfer, CE_OUTCOME_TOO_SLOW, "the answer stood still for longer than the time limit");
        }
        break;
    case CE_STAGE_ENDING:
        break;
    }
}

/* libcurl sends a request again when a kept connection turns out closed. What may act twice must not be sent twice. */
static int before_request(void *context, char *ip, char *local_ip, int port, int local_port) {
    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    ce_transfer *transfer = context;
    transfer->attempts += 1;
    if (transfer->attempts > (transfer->repeatable ? 2u : 1u)) {
        snprintf(transfer->reason, sizeof transfer->reason, "the connection closed before an answer came");
        return CURL_PREREQFUNC_ABORT;
    }
    if (transfer->stage == CE_STAGE_CONNECTING) {
        transfer->stage = CE_STAGE_WAITING;
        arm(transfer, transfer->first_byte_ms);
    }
    return CURL_PREREQFUNC_OK;
}

static size_t on_head_line(char *line, size_t size, size_t count, void *context) {
    ce_transfer *transfer = context;
    ce_head *head = &transfer->head;
    bool was_complete = head->complete;
    if (transfer->stage == CE_STAGE_ENDING) {
        return 0;
    }
    const char *fault = ce_head_line(head, line, size * count);
    if (fault != NULL) {
        ce_transfer_fail(transfer, CE_OUTCOME_BROKEN, fault);
        return 0;
    }
    if (head->complete && !was_complete) {
        transfer->stage = CE_STAGE_RECEIVING;
        arm(transfer, transfer->stall_ms);
        ce_header_block block = { head->bytes, head->length, head->fields, head->field_count };
        transfer->events->head(transfer->context, head->status, &block);
    }
    return size * count;
}

/* libcurl reads as long as there is something to read: from a fast server to a fast client that is for ever, and nobody else is
 * served. In a new turn of the loop it goes on. */
static bool makes_way(ce_transfer *transfer, size_t count) {
    if (transfer->turn != transfer->pool->turn) {
        transfer->turn = transfer->pool->turn;
        transfer->taken_in_turn = 0;
    }
    transfer->taken_in_turn += count;
    return transfer->taken_in_turn > CE_TURN_BYTES;
}

static void on_again(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ce_transfer *transfer = context;
    transfer->pool->turn += 1;
    ce_transfer_resume(transfer);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
    ce_transfer *transfer = context;
    if (transfer->stage == CE_STAGE_ENDING) {
        return 0;
    }
    if (makes_way(transfer, size * count)) {
        struct timeval next_turn = { 0, 0 };
        evtimer_add(transfer->again, &next_turn);
        transfer->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!transfer->events->body(transfer->context, (const uint8_t *)bytes, size * count)) {
        transfer->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    transfer->received += size * count;
    transfer->pool->counts.received_bytes += size * count;
    return size * count;
}

static void trust(ce_pool *pool, CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, pool->trust_anybody ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, pool->trust_anybody ? 0L : 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (pool->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, pool->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    } else if (pool->ca_pem != NULL) {
        struct curl_blob blob = { pool->ca_pem, strlen(pool->ca_pem), CURL_BLOB_NOCOPY };
        curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
}

/* A handle is set up once and then used again: only what differs from call to call is set in prepare(). */
static ce_transfer *new_transfer(ce_pool *pool) {
    ce_transfer *transfer = calloc(1, sizeof *transfer);
    CURL *easy = curl_easy_init();
    if (transfer == NULL || easy == NULL) {
        abort();
    }
    transfer->pool = pool;
    transfer->easy = easy;
    transfer->limit = evtimer_new(pool->loop->base, on_limit, transfer);
    transfer->again = evtimer_new(pool->loop->base, on_again, transfer);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    /* A proxy from the environment would be a way out that no setting of ours shows. */
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CE_IDLE_CONNECTION_SECONDS);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_reason);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, ce_transfer_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    trust(pool, easy);
    return transfer;
}

static void reserve(ce_transfer *transfer, size_t text, size_t nodes) {
    if (text > transfer->text_capacity) {
        free(transfer->text);
        transfer->text = malloc(text);
        transfer->text_capacity = text;
    }
    if (nodes > transfer->node_capacity) {
        free(transfer->nodes);
        transfer->nodes = malloc(nodes * sizeof *transfer->nodes);
        transfer->node_capacity = nodes;
    }
    if (transfer->text == NULL || transfer->nodes == NULL) {
        abort();
    }
}

/* libcurl adds these of its own unless told not to, by a line without a value. */
static const char *const unasked[] = { "Accept:", "Content-Type:", "Expect:" };
enum { UNASKED = sizeof unasked / sizeof unasked[0] };

/* Builds libcurl's list in two blocks that the handle keeps, instead of two allocations a line. */
static struct curl_slist *field_list(ce_transfer *transfer, const ce_call *call) {
    size_t lines = 0;
    for (size_t index = 0; index < call->fields_length; index += 1) {
        lines += call->fields[index] == '\0';
    }
    reserve(transfer, call->fields_length + 1, lines + UNASKED);
    memcpy(transfer->text, call->fields, call->fields_length);
    size_t count = 0;
    bool given[UNASKED] = { false };
    char *line = transfer->text;
    while (line < transfer->text + call->fields_length) {
        char *next = line + strlen(line) + 1;
        for (size_t index = 0; index < UNASKED; index += 1) {
            given[index] |= strncasecmp(line, unasked[index], strlen(unasked[index])) == 0;
        }
        char *colon = strchr(line, ':');
        if (colon != NULL && colon[1 + strspn(colon + 1, " \t")] == '\0') {
            /* `Name;` is how libcurl is told to send an empty value: `Name:` would remove the field. */
            colon[0] = ';';
            colon[1] = '\0';
        }
        transfer->nodes[count] = (struct curl_slist){ line, &transfer->nodes[count + 1] };
        count += 1;
        line = next;
    }
    for (size_t index = 0; index < UNASKED; index += 1) {
        if (!given[index]) {
            transfer->nodes[count] = (struct curl_slist){ (char *)unasked[index], &transfer->nodes[count + 1] };
            count += 1;
        }
    }
    if (count == 0) {
        return NULL;
    }
    transfer->nodes[count - 1].next = NULL;
    return transfer->nodes;
}

static void set_method(CURL *easy, const ce_call *call) {
    /* A handle keeps what its last call set: an upload would turn the next POST into a PUT. */
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L);
    curl_easy_setopt(easy, CURLOPT_NOBODY, 0L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
    if (strcmp(call->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (call->streams_body) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->stream_length);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    } else if (call->body == NULL && strcmp(call->method, "POST") != 0 && strcmp(call->method, "PUT") != 0) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    } else {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_length);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, call->body_length > 0 ? (const char *)call->body : "");
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    }
}

static bool is_safe(const char *method) {
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0;
}

static void prepare(ce_transfer *transfer, const ce_call *call) {
    transfer->stage = CE_STAGE_NAMING;
    transfer->connect_ms = call->connect_ms;
    transfer->first_byte_ms = call->first_byte_ms;
    transfer->stall_ms = call->stall_ms;
    transfer->received = transfer->received_at_check = 0;
    transfer->attempts = 0;
    transfer->repeatable = is_safe(call->method) && call->body == NULL && !call->streams_body;
    transfer->streams = call->streams_body;
    transfer->upload_ended = transfer->upload_starved = false;
    transfer->sent = transfer->sent_at_check = 0;
    transfer->added = transfer->paused = false;
    transfer->reason[0] = transfer->curl_reason[0] = '\0';
    transfer->head.interim = 0;
    ce_head_reset(&transfer->head);
    curl_easy_setopt(transfer->easy, CURLOPT_URL, call->url);
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, field_list(transfer, call));
    set_method(transfer->easy, call);
    if (transfer->streams && transfer->upload == NULL && (transfer->upload = evbuffer_new()) == NULL) {
        abort();
    }
}

ce_transfer *ce_transfer_start(ce_pool *pool, const ce_call *call, const ce_transfer_events *events, void *context) {
    ce_transfer *transfer = TAILQ_FIRST(&pool->spare);
    if (transfer != NULL) {
        TAILQ_REMOVE(&pool->spare, transfer, next);
        pool->spare_count -= 1;
    } else {
        transfer = new_transfer(pool);
    }
    pool->counts.calls += 1;
    pool->counts.sent_bytes += call->body_length;
    transfer->events = events;
    transfer->context = context;
    prepare(transfer, call);
    arm(transfer, call->connect_ms);
    transfer->name = ce_name_for(pool, call->url);
    if (transfer->name == NULL) {
        ce_transfer_fail(transfer, CE_OUTCOME_UNREACHABLE, "the URL has no host");
    } else if (ce_name_ready(transfer->name, transfer)) {
        ce_transfer_go(transfer);
    }
    return transfer;
}

void ce_transfer_go(ce_transfer *transfer) {
    ce_pool *pool = transfer->pool;
    transfer->stage = CE_STAGE_CONNECTING;
    if (!transfer->name->loaded && transfer->name->addresses != NULL) {
        curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE, transfer->name->addresses);
        transfer->name->loaded = true;
    }
    transfer->added = curl_multi_add_handle(pool->multi, transfer->easy) == CURLM_OK;
    if (!transfer->added) {
        ce_transfer_fail(transfer, CE_OUTCOME_UNREACHABLE, "libcurl does not take another call");
        return;
    }
    /* Saves a turn of the loop, and makes libcurl load the addresses before another call can ask for them. */
    int running;
    curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    event_active(pool->work, EV_TIMEOUT, 0);
}

void ce_transfer_resume(ce_transfer *transfer) {
    if (transfer->paused && transfer->stage == CE_STAGE_RECEIVING) {
        transfer->paused = false;
        ce_transfer_apply_pauses(transfer);
    }
}

void ce_transfer_cancel(ce_transfer *transfer) {
    ce_transfer_fail(transfer, CE_OUTCOME_CANCELLED, "cancelled");
}

static ce_outcome outcome_of(CURLcode result, ce_stage stage) {
    switch (result) {
    case CURLE_OK:
        return CE_OUTCOME_WHOLE;
    case CURLE_COULDNT_CONNECT:
        /* In a later stage too: the second try of a call whose kept connection had closed. */
        return CE_OUTCOME_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return stage <= CE_STAGE_CONNECTING ? CE_OUTCOME_UNREACHABLE : CE_OUTCOME_TOO_SLOW;
    default:
        return stage <= CE_STAGE_CONNECTING ? CE_OUTCOME_UNREACHABLE : CE_OUTCOME_BROKEN;
    }
}

void ce_transfer_finished(ce_transfer *transfer, CURLcode result) {
    if (transfer->stage == CE_STAGE_ENDING) {
        ce_transfer_end(transfer, transfer->outcome, transfer->reason);
        return;
    }
    if (result != CURLE_OK && transfer->reason[0] == '\0') {
        const char *words = transfer->curl_reason[0] != '\0' ? transfer->curl_reason : curl_easy_strerror(result);
        snprintf(transfer->reason, sizeof transfer->reason, "%s", words);
    }
    ce_transfer_end(transfer, outcome_of(result, transfer->stage), transfer->reason);
}

static uint64_t *count_of(ce_pool_counts *counts, ce_outcome outcome) {
    switch (outcome) {
    case CE_OUTCOME_WHOLE:
        return &counts->whole;
    case CE_OUTCOME_UNREACHABLE:
        return &counts->unreachable;
    case CE_OUTCOME_TOO_SLOW:
        return &counts->too_slow;
    case CE_OUTCOME_CANCELLED:
        return &counts->cancelled;
    default:
        return &counts->broken;
    }
}

static void count_end(ce_transfer *transfer, ce_outcome outcome) {
    ce_pool_counts *counts = &transfer->pool->counts;
    *count_of(counts, outcome) += 1;
    if (transfer->attempts > 0) {
        long connects = 0;
        curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
        *(connects > 0 ? &counts->over_new : &counts->over_kept) += 1;
    }
}

void ce_transfer_end(ce_transfer *transfer, ce_outcome outcome, const char *reason) {
    ce_pool *pool = transfer->pool;
    count_end(transfer, outcome);
    if (transfer->stage == CE_STAGE_ENDING) {
        TAILQ_REMOVE(&pool->ending, transfer, next);
    }
    transfer->stage = CE_STAGE_ENDING;
    if (transfer->added) {
        curl_multi_remove_handle(pool->multi, transfer->easy);
    }
    evtimer_del(transfer->limit);
    evtimer_del(transfer->again);
    if (transfer->streams) {
        evbuffer_drain(transfer->upload, evbuffer_get_length(transfer->upload));
    }
    /* A spare transfer must not keep the last one's token. */
    explicit_bzero(transfer->text, transfer->text_capacity);
    transfer->events->done(transfer->context, outcome, reason);
    /* libcurl counts the retries of a handle's whole life and gives up at the sixth: one that may have tried again goes. */
    bool unused_retries = outcome == CE_OUTCOME_WHOLE && transfer->attempts <= 1;
    if (unused_retries && pool->spare_count < CE_SPARE_AT_MOST) {
        TAILQ_INSERT_HEAD(&pool->spare, transfer, next);
        pool->spare_count += 1;
    } else {
        ce_transfer_release(transfer);
    }
}

void ce_transfer_release(ce_transfer *transfer) {
    curl_easy_cleanup(transfer->easy);
    event_free(transfer->limit);
    event_free(transfer->again);
    if (transfer->upload != NULL) {
        evbuffer_free(transfer->upload);
    }
    free(transfer->text);
    free(transfer->nodes);
    free(transfer->head.bytes);
    free(transfer);
}
