#include "resolver_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two seconds where nothing is said, not the five of resolv.conf(5): a call gives up after `connect_timeout`, and the second name
 * server has to be asked before. The upper bounds are those of resolv.conf(5). */
enum { TIMEOUT_SECONDS = 2, TIMEOUT_AT_MOST = 30, ATTEMPTS = 2, ATTEMPTS_AT_MOST = 5 };

static int number(const char *digits, int least, int most) {
    long value = strtol(digits, NULL, 10);
    return value < least ? least : value > most ? most : (int)value;
}

void ce_resolver_options_parse(ce_resolver_options *options, const char *words) {
    static const char blanks[] = " \t\r\n";
    for (words += strspn(words, blanks); *words != '\0'; words += strspn(words, blanks)) {
        if (strncmp(words, "timeout:", 8) == 0) {
            options->timeout_ms = number(words + 8, 1, TIMEOUT_AT_MOST) * 1000;
        } else if (strncmp(words, "attempts:", 9) == 0) {
            options->attempts = number(words + 9, 1, ATTEMPTS_AT_MOST);
        }
        words += strcspn(words, blanks);
    }
}

ce_resolver_options ce_resolver_options_read(void) {
    ce_resolver_options options = { TIMEOUT_SECONDS * 1000, ATTEMPTS };
    FILE *file = fopen(CE_RESOLV_CONF, "re");
    if (file != NULL) {
        char line[1024];
        while (fgets(line, sizeof line, file) != NULL) {
            if (strncmp(line, "options", 7) == 0 && (line[7] == ' ' || line[7] == '\t')) {
                ce_resolver_options_parse(&options, line + 7);
            }
        }
        fclose(file);
    }
    const char *variable = getenv("RES_OPTIONS");
    if (variable != NULL) {
        ce_resolver_options_parse(&options, variable);
    }
    return options;
}
