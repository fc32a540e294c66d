/* What differs from call to call on a transfer's easy handle: URL, method, fields, body. */
#include "pool.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

void ce_transfer_prepare(ce_transfer *transfer, const ce_call *call) {
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
