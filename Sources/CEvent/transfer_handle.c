/* libcurl's easy handle of a transfer: how it is set up once for all its calls, and what libcurl calls back. */
#include "loop.h"
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CE_IDLE_CONNECTION_SECONDS = 50 };

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
        ce_transfer_limit(transfer, transfer->first_byte_ms);
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
        ce_transfer_limit(transfer, transfer->stall_ms);
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

/* A handle is set up once and then used again: only what differs from call to call is set in ce_transfer_prepare(). */
ce_transfer *ce_transfer_new(ce_pool *pool) {
    ce_transfer *transfer = calloc(1, sizeof *transfer);
    CURL *easy = curl_easy_init();
    if (transfer == NULL || easy == NULL) {
        abort();
    }
    transfer->pool = pool;
    transfer->easy = easy;
    transfer->limit = evtimer_new(pool->loop->base, ce_transfer_on_limit, transfer);
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
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)CE_BUFFER_BYTES);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    /* dns.c says how long addresses hold; libcurl would go through its own for each call. */
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, ce_watch_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, pool);
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
