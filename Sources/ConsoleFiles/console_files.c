/* #embed is C23, and clang has it in every mode; it tells the build which files it has read. */
#include "console_files.h"

static const unsigned char html[] = {
#embed "console.html"
};
static const unsigned char css[] = {
#embed "console.css"
};
static const unsigned char base[] = {
#embed "base.js"
};
static const unsigned char charts[] = {
#embed "charts.js"
};
static const unsigned char now[] = {
#embed "page-now.js"
};
static const unsigned char keys[] = {
#embed "page-keys.js"
};
static const unsigned char audit[] = {
#embed "page-audit.js"
};
static const unsigned char health[] = {
#embed "page-health.js"
};
static const unsigned char start[] = {
#embed "start.js"
};

#define FILE_OF(bytes) ((console_file){ (bytes), sizeof(bytes) })

console_file console_html(void) {
    return FILE_OF(html);
}

console_file console_css(void) {
    return FILE_OF(css);
}

size_t console_script_count(void) {
    return 7;
}

console_file console_script(size_t index) {
    switch (index) {
    case 0:
        return FILE_OF(base);
    case 1:
        return FILE_OF(charts);
    case 2:
        return FILE_OF(now);
    case 3:
        return FILE_OF(keys);
    case 4:
        return FILE_OF(audit);
    case 5:
        return FILE_OF(health);
    default:
        return FILE_OF(start);
    }
}
