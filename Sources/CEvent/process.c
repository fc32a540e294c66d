#include "CEvent.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void ce_process_keep_private(bool from_debuggers) {
    struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    (void)setrlimit(RLIMIT_CORE, &none);
    /* A core_pattern that is a pipe ignores that limit, but not this. */
    if (from_debuggers) {
        (void)prctl(PR_SET_DUMPABLE, 0);
    }
}
