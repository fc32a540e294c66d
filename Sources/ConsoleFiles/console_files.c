/* #embed is C23, and clang has it in every mode; it tells the build which files it has read. */
#include "console_files.h"

#define FILE_OF(bytes)                                                                                                 \
    { (bytes), sizeof(bytes) }

static const unsigned char page[] = {
#embed "console.html"
};
static const unsigned char style[] = {
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
static const unsigned char budget[] = {
#embed "page-budget.js"
};
static const unsigned char usage[] = {
#embed "page-usage.js"
};
static const unsigned char keys[] = {
#embed "page-keys.js"
};
static const unsigned char audit[] = {
#embed "page-audit.js"
};
static const unsigned char cache[] = {
#embed "page-cache.js"
};
static const unsigned char health[] = {
#embed "page-health.js"
};
static const unsigned char start[] = {
#embed "start.js"
};
static const unsigned char home_page[] = {
#embed "home.html"
};
static const unsigned char home_style[] = {
#embed "home.css"
};
static const unsigned char home_code[] = {
#embed "home.js"
};

/* In the order of the pages in the console. */
static const console_file scripts[] = {
    FILE_OF(base), FILE_OF(charts), FILE_OF(now),   FILE_OF(budget), FILE_OF(usage),
    FILE_OF(keys), FILE_OF(audit),  FILE_OF(cache), FILE_OF(health), FILE_OF(start),
};

console_file console_html(void) {
    return (console_file)FILE_OF(page);
}

console_file console_css(void) {
    return (console_file)FILE_OF(style);
}

size_t console_script_count(void) {
    return sizeof(scripts) / sizeof(scripts[0]);
}

console_file console_script(size_t index) {
    return scripts[index];
}

console_file home_html(void) {
    return (console_file)FILE_OF(home_page);
}

console_file home_css(void) {
    return (console_file)FILE_OF(home_style);
}

console_file home_script(void) {
    return (console_file)FILE_OF(home_code);
}
