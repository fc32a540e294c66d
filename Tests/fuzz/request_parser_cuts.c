/* Fuzzes the request parser: what it reports must not depend on how the bytes were cut, and must stay inside its limits.
 *
 * The first byte of an input says into pieces of which size the rest is cut. */
#include <CEvent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_BYTES = 1 << 16 };

typedef struct log {
    char bytes[LOG_BYTES];
    size_t length;
} log;

static const ce_request_parser_limits limits = {
    .head_bytes = 4096, .target_bytes = 1024, .fields = 16, .chunk_line_bytes = 128
};

static void check(int holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

static void note(log *log, const void *bytes, size_t count) {
    if (count > sizeof log->bytes - log->length)
        count = sizeof log->bytes - log->length;
    memcpy(log->bytes + log->length, bytes, count);
    log->length += count;
}

static void note_span(log *log, const ce_header_block *head, ce_span span) {
    check(span.offset <= head->length && span.length <= head->length - span.offset, "a span lies inside the head");
    note(log, head->bytes + span.offset, span.length);
    note(log, "\n", 1);
}

static void note_request(log *log, const ce_request *request) {
    const ce_header_block *head = &request->head;
    check(head->length <= limits.head_bytes, "a head is no longer than its limit");
    check(head->field_count <= limits.fields, "a head has no more fields than its limit");
    check(request->method.length > 0 && request->target.length > 0, "a request has a method and a target");
    check(request->target.length <= limits.target_bytes, "a target is no longer than its limit");
    check(!request->http_1_0 || request->close, "HTTP/1.0 closes");
    note_span(log, head, request->method);
    note_span(log, head, request->target);
    for (size_t at = 0; at < head->field_count; at++) {
        note_span(log, head, head->fields[at].name);
        note_span(log, head, head->fields[at].value);
    }
    char rest[96];
    int count = snprintf(rest, sizeof rest, "%d %llu %d %d\n", request->framing,
                         request->framing == CE_FRAMING_LENGTH ? (unsigned long long)request->content_length : 0ULL,
                         request->close, request->expects_continue);
    note(log, rest, (size_t)count);
}

/* Feeds one piece; false when the parser will take no more. */
static bool feed(ce_request_parser *parser, log *log, const uint8_t *bytes, size_t count) {
    for (size_t idle = 0; idle < 4;) {
        size_t consumed = 0;
        ce_request_parser_event event = ce_request_parser_feed(parser, bytes, count, &consumed);
        check(consumed <= count, "no more is consumed than was given");
        if (event == CE_PARSER_BODY) {
            ce_span body = ce_request_parser_body(parser);
            check(body.offset <= count && body.length <= count - body.offset,
                  "a body span lies inside the bytes given");
            note(log, bytes + body.offset, body.length);
        } else if (event == CE_PARSER_HEAD) {
            note_request(log, ce_request_parser_request(parser));
        } else if (event == CE_PARSER_END) {
            note(log, "END\n", 4);
        } else if (event == CE_PARSER_REFUSED) {
            ce_refusal refusal = ce_request_parser_refusal(parser);
            check(refusal.status >= 400 && refusal.status <= 505, "a refusal has an error's status");
            note(log, refusal.rule, strlen(refusal.rule));
            return false;
        } else {
            check(consumed == count, "MORE consumes everything");
            return true;
        }
        bytes += consumed;
        count -= consumed;
        idle = consumed > 0 ? 0 : idle + 1;
    }
    check(false, "the parser gets on");
    return false;
}

static void run(log *log, const uint8_t *bytes, size_t count, size_t piece) {
    ce_request_parser *parser = ce_request_parser_new(&limits);
    log->length = 0;
    while (count > 0) {
        size_t take = piece < count ? piece : count;
        /* A copy of its own size, so that the address sanitizer sees a read past its end. */
        uint8_t *copy = malloc(take);
        memcpy(copy, bytes, take);
        bool more = feed(parser, log, copy, take);
        free(copy);
        if (!more)
            break;
        bytes += take;
        count -= take;
    }
    ce_request_parser_free(parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static log whole, cut;
    if (count < 2)
        return 0;
    size_t piece = 1 + bytes[0] % 64;
    run(&whole, bytes + 1, count - 1, count - 1);
    run(&cut, bytes + 1, count - 1, piece);
    check(whole.length == cut.length && memcmp(whole.bytes, cut.bytes, whole.length) == 0,
          "what is reported does not depend on how the bytes were cut");
    return 0;
}
