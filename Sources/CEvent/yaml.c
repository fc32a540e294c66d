/* The settings file, read with libyaml: one flat mapping of scalars and lists of them, and nothing else of what YAML can say. */
#include "CEvent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

typedef struct reading {
    yaml_parser_t parser;
    char *key; /* read, and waiting for its value */
    int key_line;
    int documents;
    bool in_mapping;
    bool in_list;
    bool after_list;
} reading;

/* Why this event has no place in a flat mapping of scalars and lists, or NULL. */
static const char *refusal(const reading *reading, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return reading->documents > 0 ? "a second document begins here; there can be one only" : NULL;
    case YAML_ALIAS_EVENT:
        return "an alias (*name) is not accepted; write the value (a value that begins with * needs quotes)";
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor || event->data.sequence_start.tag)
            return "an anchor (&name) or a tag (!name) is not accepted";
        return reading->key && !reading->in_list ? NULL
                                                 : "a list is not accepted here; settings are `name: value` lines";
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor || event->data.mapping_start.tag)
            return "an anchor (&name) or a tag (!name) is not accepted";
        return reading->in_mapping || reading->in_list
            ? "a nested mapping is not accepted; settings are `name: value` lines"
            : NULL;
    case YAML_SCALAR_EVENT:
        if (event->data.scalar.anchor || event->data.scalar.tag)
            return "an anchor (&name) or a tag (!name) is not accepted (a value that begins with & or ! needs quotes)";
        if (memchr(event->data.scalar.value, 0, event->data.scalar.length))
            return "a NUL character is not accepted";
        if (!reading->in_mapping && event->data.scalar.length > 0)
            return "the file has to hold `name: value` lines";
        return NULL;
    default:
        return NULL;
    }
}

/* The scalar's text; a null, as YAML 1.1 spells it, is "". */
static const char *text_of(const yaml_event_t *event) {
    const char *text = (const char *)event->data.scalar.value;
    static const char *const nulls[] = { "~", "null", "Null", "NULL" };
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
            if (strcmp(text, nulls[i]) == 0)
                return "";
    return text;
}

static bool fail(ce_error *error, int *error_line, size_t line, const char *reason) {
    snprintf(error->reason, sizeof error->reason, "%s", reason);
    *error_line = (int)line + 1;
    return false;
}

static const char *parser_reason(const reading *reading) {
    if (reading->in_list || reading->after_list)
        return "a list is not well formed here (a value that begins with [ needs quotes)";
    return reading->parser.problem ? reading->parser.problem : "this is not YAML";
}

static void key_is_done(reading *reading) {
    free(reading->key);
    reading->key = NULL;
}

typedef void (*on_entry)(void *context, const char *key, const char *value, int line, bool is_item);

/* False without memory. */
static bool take(reading *reading, const yaml_event_t *event, on_entry entry, void *context) {
    reading->after_list = event->type == YAML_SEQUENCE_END_EVENT;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        reading->documents += 1;
        break;
    case YAML_MAPPING_START_EVENT:
        reading->in_mapping = true;
        break;
    case YAML_SEQUENCE_START_EVENT:
        reading->in_list = true;
        break;
    case YAML_SEQUENCE_END_EVENT:
        reading->in_list = false;
        key_is_done(reading);
        break;
    case YAML_SCALAR_EVENT:
        if (reading->in_mapping && reading->key == NULL) {
            reading->key_line = (int)event->start_mark.line + 1;
            reading->key = strdup((const char *)event->data.scalar.value);
            return reading->key != NULL;
        }
        if (reading->in_mapping) {
            entry(context, reading->key, text_of(event), reading->key_line, reading->in_list);
            if (!reading->in_list)
                key_is_done(reading);
        }
        break;
    default:
        break;
    }
    return true;
}

static bool scan(reading *reading, on_entry entry, void *context, ce_error *error, int *error_line) {
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reading->parser, &event))
            return fail(error, error_line, reading->parser.problem_mark.line, parser_reason(reading));
        const char *reason = refusal(reading, &event);
        if (reason) {
            size_t line = event.start_mark.line;
            yaml_event_delete(&event);
            return fail(error, error_line, line, reason);
        }
        bool kept = take(reading, &event, entry, context);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (!kept)
            return fail(error, error_line, 0, "out of memory");
    }
    return true;
}

bool ce_yaml_scalars(const char *text, size_t length,
                     void (*entry)(void *context, const char *key, const char *value, int line, bool is_item),
                     void *context, ce_error *error, int *error_line) {
    reading reading = { 0 };
    error->reason[0] = 0;
    *error_line = 0;
    if (!yaml_parser_initialize(&reading.parser))
        return fail(error, error_line, 0, "out of memory");
    yaml_parser_set_input_string(&reading.parser, (const unsigned char *)text, length);
    bool read = scan(&reading, entry, context, error, error_line);
    free(reading.key);
    yaml_parser_delete(&reading.parser);
    return read;
}
