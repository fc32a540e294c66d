/* libFuzzer on the response parser. The first byte of an input says whether the request was HEAD and how the rest is cut; what must hold
 * for every input is asserted here, what must hold for known ones is in Tests/corpus/responses.tsv. */
#include "CEvent.h"
#include "record.h"

static void write_head(record *record, const ce_response *response, bool to_head) {
    const ce_header_block *head = &response->head;
    HOLDS(response->status >= 200 && response->status <= 599);
    HOLDS(head->length <= 65536 && head->field_count <= 200);
    HOLDS(response->end != CE_CONTENT_CLOSE || !response->keeps);
    bool has_none = to_head || response->status == 204 || response->status == 304;
    HOLDS(!has_none || response->end == CE_CONTENT_NONE);
    write_number(record, (uint64_t)response->status << 8 | (uint64_t)response->end << 1 | response->keeps);
    write_number(record, response->end == CE_CONTENT_LENGTH ? response->content_length : 0);
    write_fields(record, head);
}

typedef struct run_state {
    ce_response_parser *parser;
    record record;
    bool to_head, over;
    size_t left_over;
} run_state;

/* Feeds one piece to its end. */
static void feed_piece(run_state *run, const uint8_t *from, size_t count) {
    uint8_t *piece = copy_of(from, count);
    size_t at = 0;
    for (;;) {
        size_t consumed = SIZE_MAX;
        ce_response_event event = ce_response_feed(run->parser, piece + at, count - at, &consumed);
        HOLDS(consumed <= count - at);
        ce_span content = ce_response_content(run->parser);
        if (event == CE_RESPONSE_HEAD) {
            write_head(&run->record, ce_response_parsed(run->parser), run->to_head);
        } else if (event == CE_RESPONSE_CONTENT) {
            HOLDS(content.length > 0 && (size_t)content.offset + content.length <= consumed);
            write_bytes(&run->record, piece + at + content.offset, content.length);
        }
        at += consumed;
        if (event == CE_RESPONSE_MORE) {
            HOLDS(at == count);
            break;
        }
        if (event == CE_RESPONSE_END || event == CE_RESPONSE_FAULTY) {
            HOLDS(event == CE_RESPONSE_END || consumed == 0);
            run->over = true;
            run->left_over = count - at;
            break;
        }
    }
    free(piece);
}

static record run(const uint8_t *bytes, size_t count, uint32_t seed, bool to_head) {
    run_state run = { .parser = ce_response_parser_new(), .to_head = to_head };
    HOLDS(run.parser != NULL);
    ce_response_begin(run.parser, to_head);
    cuts cuts = { seed, seed };
    size_t at = 0;
    while (!run.over && at < count) {
        size_t take = next_piece(&cuts, count - at);
        feed_piece(&run, bytes + at, take);
        at += take;
    }
    HOLDS(ce_response_has_begun(run.parser) == (count > 0));
    ce_response_event end = ce_response_input_ended(run.parser);
    HOLDS(end == CE_RESPONSE_END || end == CE_RESPONSE_FAULTY);
    write_number(&run.record, end);
    if (end == CE_RESPONSE_FAULTY) {
        ce_response_fault_words fault = ce_response_fault(run.parser);
        HOLDS(fault.rule != NULL && fault.rule[0] != '\0' && fault.reason[0] != '\0');
        write_bytes(&run.record, fault.rule, strlen(fault.rule));
    } else {
        write_number(&run.record, run.left_over + (count - at));
    }
    ce_response_parser_free(run.parser);
    return run.record;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    bool to_head = (data[0] & 1) != 0;
    record whole = run(data + 1, size - 1, 0, to_head);
    uint32_t seeds[] = { 1, 2u + data[0], 1000u + data[0] };
    for (size_t at = 0; at < sizeof seeds / sizeof *seeds; at++)
        check_same(whole, run(data + 1, size - 1, seeds[at], to_head));
    free(whole.bytes);
    return 0;
}
