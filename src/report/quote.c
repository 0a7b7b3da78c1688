#include "report/text.h"
#include "util/utf8.h"

#include <string.h>

/* YAML allows these in a file only as escapes; JSON and Python read the escapes too. */
static bool needs_escape(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE ||
           c == 0xFFFF;
}

static void add_quoted_point(struct text *t, uint32_t c, const char *s, size_t len)
{
    if (c == UINT32_MAX)
        text_add(t, "\xEF\xBF\xBD");
    else if (c == '"' || c == '\\')
        text_addf(t, "\\%c", (int)c);
    else if (c == '\n')
        text_add(t, "\\n");
    else if (c == '\t')
        text_add(t, "\\t");
    else if (c == '\r')
        text_add(t, "\\r");
    else if (needs_escape(c))
        text_addf(t, "\\u%04x", (unsigned)c);
    else
        text_add_bytes(t, s, len);
}

void text_add_quoted(struct text *t, const char *s)
{
    size_t len;

    text_add(t, "\"");
    for (; *s; s += len) {
        uint32_t c = utf8_decode(s, &len);

        add_quoted_point(t, c, s, len);
    }
    text_add(t, "\"");
}

/* Write s, and each byte that is `special` as `instead`. */
static void add_replacing(struct text *t, const char *s, char special, const char *instead)
{
    for (const char *next; (next = strchr(s, special)) != NULL; s = next + 1) {
        text_add_bytes(t, s, (size_t)(next - s));
        text_add(t, instead);
    }
    text_add(t, s);
}

void text_add_csv(struct text *t, const char *s)
{
    if (*s && !strpbrk(s, " \t\",\r\n")) {
        text_add(t, s);
        return;
    }
    text_add(t, "\"");
    add_replacing(t, s, '"', "\"\"");
    text_add(t, "\"");
}

void text_add_shell(struct text *t, const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./:=@%,";

    if (*s && s[strspn(s, plain)] == '\0') {
        text_add(t, s);
        return;
    }
    text_add(t, "'");
    add_replacing(t, s, '\'', "'\\''");
    text_add(t, "'");
}
