/* The files of the console and of the home page, as they are in this folder. */
#ifndef CONSOLE_FILES_H
#define CONSOLE_FILES_H

#include <stddef.h>

typedef struct {
    const unsigned char *bytes;
    size_t size;
} console_file;

console_file console_html(void);
console_file console_css(void);
/* In the order in which they run, one after the other, as one script. */
size_t console_script_count(void);
/* index is below that. */
console_file console_script(size_t index);

console_file home_html(void);
console_file home_css(void);
console_file home_script(void);

#endif
