/* The settings file, read with libyaml: a mapping of scalars, lists of them, and mappings of the same, and nothing else of YAML. */
#include "CEvent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

typedef struct reading {
    yaml_parser_t parser;
    char *keys[CE_YAML_DEPTH]; /* of each open mapping, from the outermost: read, and waiting for its value */
    int key_line;
    int depth; /* open mappings */
    int documents;
    bool in_list;
    bool after_list;
} reading;

/* The key that waits for a value in the innermost mapping, or NULL. */
static const char *pending_key(const reading *reading) {
    return reading->depth > 0 ? reading->keys[reading->depth - 1] : NULL;
}

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
        return pending_key(reading) && !reading->in_list
            ? NULL
            : "a list is not accepted here; settings are `name: value` lines";
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor || event->data.mapping_start.tag)
            return "an anchor (&name) or a tag (!name) is not accepted";
        return reading->in_list || reading->depth == CE_YAML_DEPTH || (reading->depth > 0 && !pending_key(reading))
            ? "a nested mapping is not accepted here; settings are `name: value` lines"
            : NULL;
    case YAML_SCALAR_EVENT:
        if (event->data.scalar.anchor || event->data.scalar.tag)
            return "an anchor (&name) or a tag (!name) is not accepted (a value that begins with & or ! needs quotes)";
        if (memchr(event->data.scalar.value, 0, event->data.scalar.length))
            return "a NUL character is not accepted";
        if (reading->depth == 0 && event->data.scalar.length > 0)
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
    if (reading->depth == 0)
        return;
    free(reading->keys[reading->depth - 1]);
    reading->keys[reading->depth - 1] = NULL;
}

/* False without memory. */
static bool take(reading *reading, const yaml_event_t *event, ce_yaml_entry entry, void *context) {
    const char *const *path = (const char *const *)reading->keys;
    reading->after_list = event->type == YAML_SEQUENCE_END_EVENT;
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        reading->documents += 1;
        break;
    case YAML_MAPPING_START_EVENT:
        if (reading->depth > 0)
            entry(context, path, reading->depth, "", (int)event->start_mark.line + 1, CE_YAML_MAPPING);
        reading->depth += 1;
        break;
    case YAML_MAPPING_END_EVENT:
        reading->depth -= 1;
        key_is_done(reading);
        break;
    case YAML_SEQUENCE_START_EVENT:
        reading->in_list = true;
        entry(context, path, reading->depth, "", reading->key_line, CE_YAML_LIST);
        break;
    case YAML_SEQUENCE_END_EVENT:
        reading->in_list = false;
        key_is_done(reading);
        break;
    case YAML_SCALAR_EVENT:
        if (reading->depth == 0)
            break;
        if (!pending_key(reading)) {
            reading->key_line = (int)event->start_mark.line + 1;
            reading->keys[reading->depth - 1] = strdup((const char *)event->data.scalar.value);
            return pending_key(reading) != NULL;
        }
        entry(context, path, reading->depth, text_of(event), reading->key_line,
              reading->in_list ? CE_YAML_ITEM : CE_YAML_SCALAR);
        if (!reading->in_list)
            key_is_done(reading);
        break;
    default:
        break;
    }
    return true;
}

static bool scan(reading *reading, ce_yaml_entry entry, void *context, ce_error *error, int *error_line) {
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

bool ce_yaml_scalars(const char *text, size_t length, ce_yaml_entry entry, void *context, ce_error *error,
                     int *error_line) {
    reading reading = { 0 };
    error->reason[0] = 0;
    *error_line = 0;
    if (!yaml_parser_initialize(&reading.parser))
        return fail(error, error_line, 0, "out of memory");
    yaml_parser_set_input_string(&reading.parser, (const unsigned char *)text, length);
    bool read = scan(&reading, entry, context, error, error_line);
    for (int i = 0; i < CE_YAML_DEPTH; i++)
        free(reading.keys[i]);
    yaml_parser_delete(&reading.parser);
    return read;
}
