/* The request parsers of a server. An exchange has one from the first byte of a request to its end: most connections are idle. */
#include "exchange.h"

#include <stdlib.h>

void ce_parsers_take(ce_exchange *exchange) {
    ce_parsers *parsers = exchange->parsers;
    if (parsers->spare_count > 0) {
        parsers->spare_count -= 1;
        exchange->parser = parsers->spare[parsers->spare_count];
        ce_request_parser_renew(exchange->parser, &parsers->limits);
        return;
    }
    exchange->parser = ce_request_parser_new(&parsers->limits);
    if (exchange->parser == NULL) {
        abort();
    }
}

void ce_parsers_give_back(ce_exchange *exchange) {
    ce_parsers *parsers = exchange->parsers;
    ce_request_parser *parser = exchange->parser;
    if (parser == NULL) {
        return;
    }
    exchange->parser = NULL;
    if (parsers->spare_count == CE_PARSERS_SPARE || !ce_request_parser_is_idle(parser)) {
        ce_request_parser_free(parser);
        return;
    }
    ce_request_parser_trim(parser);
    parsers->spare[parsers->spare_count] = parser;
    parsers->spare_count += 1;
}

void ce_parsers_free(ce_parsers *parsers) {
    while (parsers->spare_count > 0) {
        parsers->spare_count -= 1;
        ce_request_parser_free(parsers->spare[parsers->spare_count]);
    }
}
