/* What differs from call to call on a transfer's easy handle: URL, method, fields, body. */
#include "pool.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void reserve(ce_transfer *transfer, size_t text, size_t nodes) {
    transfer->text_length = text;
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

/* libcurl adds these of its own unless told not to, by a line without a value; the last two to requests with content. */
static const char *const unasked[] = { "Accept:", "Content-Type:", "Expect:" };
enum { UNASKED = sizeof unasked / sizeof unasked[0] };

static void add_line(ce_transfer *transfer, size_t *count, const char *line) {
    transfer->nodes[*count] = (struct curl_slist){ (char *)line, &transfer->nodes[*count + 1] };
    *count += 1;
}

/* Builds libcurl's list in two blocks that the handle keeps, instead of two allocations a line. */
static struct curl_slist *field_list(ce_transfer *transfer, const ce_call *call, const char *host_line,
                                     bool has_content) {
    memcpy(transfer->text, call->fields, call->fields_length);
    size_t count = 0;
    bool given[UNASKED] = { false };
    /* libcurl composes its own Host twice over, byte by byte. Told to leave it out, it sends ours as it is. */
    add_line(transfer, &count, "Host:");
    add_line(transfer, &count, host_line);
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
        add_line(transfer, &count, line);
        line = next;
    }
    for (size_t index = 0; index < (has_content ? UNASKED : 1); index += 1) {
        if (!given[index]) {
            add_line(transfer, &count, unasked[index]);
        }
    }
    transfer->nodes[count - 1].next = NULL;
    return transfer->nodes;
}

static bool is_plain_get(const ce_call *call) {
    return call->body == NULL && !call->streams_body && strcmp(call->method, "GET") == 0;
}

static void set_method(ce_transfer *transfer, const ce_call *call) {
    CURL *easy = transfer->easy;
    if (transfer->set_for_get && is_plain_get(call)) {
        return;
    }
    transfer->set_for_get = is_plain_get(call);
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
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->set_for_get ? NULL : call->method);
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

/* libcurl parses the URL of each call, checks it and writes it anew, unless it is given one that is parsed; the request target
 * then goes out byte for byte as it came. So it is checked here for what would end it. */
static const char *set_target(ce_transfer *transfer, const ce_call *call, ce_name *name) {
    if (transfer->set_for != name) {
        curl_easy_setopt(transfer->easy, CURLOPT_URL, name->origin);
        curl_easy_setopt(transfer->easy, CURLOPT_CURLU, name->url);
        transfer->set_for = name;
    }
    const char *from = call->url + strlen(name->origin);
    char *target = transfer->text + call->fields_length;
    char *into = target;
    if (*from != '/') {
        *into++ = '/';
    }
    for (; *from != '\0' && *from != '#'; from += 1) {
        if ((uint8_t)*from <= ' ' || *from == 0x7f) {
            return "the URL has a blank or a control character";
        }
        *into++ = *from;
    }
    *into = '\0';
    curl_easy_setopt(transfer->easy, CURLOPT_REQUEST_TARGET, target);
    return NULL;
}

static size_t line_count(const ce_call *call) {
    size_t lines = 0;
    for (size_t index = 0; index < call->fields_length; index += 1) {
        lines += call->fields[index] == '\0';
    }
    return lines;
}

const char *ce_transfer_prepare(ce_transfer *transfer, const ce_call *call, ce_name *name) {
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
    if (transfer->streams && transfer->upload == NULL && (transfer->upload = evbuffer_new()) == NULL) {
        abort();
    }
    reserve(transfer, call->fields_length + strlen(call->url) + 2, line_count(call) + 2 + UNASKED);
    if (name == NULL) {
        return "the URL has no clear host";
    }
    bool has_content = call->body != NULL || call->streams_body || strcmp(call->method, "POST") == 0
        || strcmp(call->method, "PUT") == 0;
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, field_list(transfer, call, name->host_line, has_content));
    set_method(transfer, call);
    return set_target(transfer, call, name);
}
