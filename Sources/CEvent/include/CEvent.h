/* The C world as Swift sees it: opaque structs and ce_ functions. No libevent, curl or OpenSSL header is included here.
 *
 * Threads: everything but ce_loop_wake belongs to the thread that polls the loop.
 * Lifetimes: what has a `done` event is given back in it, exactly once; the rest has a _free function. */
#ifndef CEVENT_H
#define CEVENT_H

#include "ce_certificate.h"
#include "ce_client.h"
#include "ce_hardening.h"
#include "ce_ip.h"
#include "ce_libraries.h"
#include "ce_loop.h"
#include "ce_process.h"
#include "ce_proxy_protocol.h"
#include "ce_request_parser.h"
#include "ce_response.h"
#include "ce_server.h"
#include "ce_types.h"

#endif
