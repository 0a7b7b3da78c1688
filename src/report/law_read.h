/* law_read.h - a law out of JSON text that is in memory */
#ifndef REPORT_LAW_READ_H
#define REPORT_LAW_READ_H

#include <emx/law_file.h>

#define LAW_JSON_FORMAT "entromix-law"

enum { LAW_JSON_VERSION = 1 };

/* As emx_law_read(); `path` is for messages. */
EMX_CHECKED enum emx_status law_parse(const char *path, const char *text, size_t len, struct emx_law **ret,
                                      struct emx_error *err);

#endif
