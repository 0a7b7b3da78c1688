#include "memory_text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* A short count makes stdio set the stream's error flag, for good. */
static ssize_t append(void *cookie, const char *data, size_t n)
{
    struct memory_text *m = cookie;

    if (n >= m->cap - m->len) {
        size_t cap = 2 * m->cap + n + 1;
        char *bytes = realloc(m->bytes, cap);

        if (!bytes)
            return 0;
        m->bytes = bytes;
        m->cap = cap;
    }
    memcpy(m->bytes + m->len, data, n);
    m->len += n;
    m->bytes[m->len] = '\0';
    return (ssize_t)n;
}

bool memory_text_open(struct memory_text *m)
{
    *m = (struct memory_text){0};
    m->stream = fopencookie(m, "w", (cookie_io_functions_t){.write = append});
    return m->stream != NULL;
}

bool memory_text_close(struct memory_text *m)
{
    bool failed = fflush(m->stream) != 0 || ferror(m->stream);

    failed |= fclose(m->stream) != 0;
    m->stream = NULL;
    if (!failed && !m->bytes)
        failed = append(m, "", 0) != 0 || !m->bytes;
    return !failed;
}

void memory_text_finish(struct memory_text *m)
{
    if (m->stream)
        fclose(m->stream);
    free(m->bytes);
    *m = (struct memory_text){0};
}
