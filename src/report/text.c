#include "report/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_finish(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}

char *text_take(struct text *t)
{
    char *data;

    text_add(t, ""); /* an empty text is a string too */
    data = t->failed ? NULL : t->data;
    if (t->failed)
        free(t->data);
    *t = (struct text){0};
    return data;
}

static bool reserve(struct text *t, size_t len)
{
    size_t cap = t->cap ? t->cap : 256;
    char *data;

    if (t->failed)
        return false;
    if (t->data && len < t->cap - t->len)
        return true;
    while (cap - t->len <= len) {
        if (cap > SIZE_MAX / 2) {
            t->failed = true;
            return false;
        }
        cap *= 2;
    }
    data = realloc(t->data, cap);
    t->failed = !data;
    if (!data)
        return false;
    t->data = data;
    t->cap = cap;
    return true;
}

void text_add_bytes(struct text *t, const char *s, size_t len)
{
    if (!reserve(t, len))
        return;
    memcpy(t->data + t->len, s, len);
    t->len += len;
    t->data[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
    text_add_bytes(t, s, strlen(s));
}

void text_addf(struct text *t, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0 || !reserve(t, (size_t)len))
        return;
    va_start(args, fmt);
    vsnprintf(t->data + t->len, (size_t)len + 1, fmt, args);
    va_end(args);
    t->len += (size_t)len;
}
