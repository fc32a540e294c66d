/* Private to CEvent: libcurl makes connections, and nothing else. */
#ifndef CE_CONNECTOR_H
#define CE_CONNECTOR_H

#include "channel.h"

/* Takes the trusted certificates from ce_pool_options. The strings are copied. */
ce_connector *ce_connector_new(ce_loop *loop, const ce_pool_options *options);
/* Every channel must be closed. */
void ce_connector_free(ce_connector *connector);
/* Connects `channel`, of which `connected` and `context` are set, to an origin (`scheme://host[:port]`). `resolve`: NULL, or the
 * host's addresses as CURLOPT_RESOLVE takes them. With a tunnel they are the proxy's; the tunnel is the channel's from now on. The origin has
 * to live as long as the channel. */
void ce_connector_open(ce_connector *connector, ce_channel *channel, const char *origin, const char *resolve,
                       ce_tunnel *tunnel);
/* Closes it, connected or not yet; `connected` is not called any more. */
void ce_connector_close(ce_channel *channel);

#endif
