/* Private to CEvent: the options of resolv.conf(5) that c-ares 1.18 does not read itself. */
#ifndef CE_RESOLVER_OPTIONS_H
#define CE_RESOLVER_OPTIONS_H

#define CE_RESOLV_CONF "/etc/resolv.conf"

typedef struct ce_resolver_options {
    int timeout_ms; /* of the first query to a name server */
    int attempts;   /* at each name server */
} ce_resolver_options;

/* Reads /etc/resolv.conf, then the variable RES_OPTIONS; the last one given counts. */
ce_resolver_options ce_resolver_options_read(void);
/* Takes one `options` line, or the variable's value: words such as `timeout:1`. */
void ce_resolver_options_parse(ce_resolver_options *options, const char *words);

#endif
