/*
 * report.c - what info, entropy and weights have in common
 */
#include "report.h"

#include "human.h"
#include "say.h"

#include <emx/mixture.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool report_format_choice(size_t i, struct opt_choice *ret)
{
    static const char *const names[] = {"table", "json", "csv"};

    if (i >= sizeof(names) / sizeof(names[0]))
        return false;
    *ret = (struct opt_choice){names[i], NULL};
    return true;
}

bool report_unit_choice(size_t i, struct opt_choice *ret)
{
    static const char *const names[] = {"nats", "bits"};

    if (i >= sizeof(names) / sizeof(names[0]))
        return false;
    *ret = (struct opt_choice){names[i], NULL};
    return true;
}

bool report_mixture_choice(size_t i, struct opt_choice *ret)
{
    size_t n;
    const struct emx_mixture_format *formats = emx_mixture_formats(&n);

    if (i >= n)
        return false;
    *ret = (struct opt_choice){formats[i].name, formats[i].summary};
    return true;
}

int report_open(const char *command, char **operands, size_t n, struct emx_state **ret)
{
    struct emx_error err;

    if (n == 0)
        return say_usage("%s needs a state file", command);
    if (n > 1)
        return say_usage("%s takes one state file, but '%s' follows '%s'", command, operands[1], operands[0]);
    return emx_state_open(operands[0], ret, &err) == EMX_OK ? EXIT_OK : say_failed(&err);
}

void report_csv_text(const char *s, FILE *out)
{
    if (!strpbrk(s, ",\"\r\n")) {
        fputs(s, out);
        return;
    }
    fputc('"', out);
    for (; *s; s++) {
        if (*s == '"')
            fputc('"', out);
        fputc(*s, out);
    }
    fputc('"', out);
}

void report_csv_real(double x, FILE *out)
{
    if (isfinite(x))
        fprintf(out, ",%.17g", x);
    else
        fputc(',', out);
}

json_t *report_json_text(const char *s)
{
    char *printable;
    json_t *j;

    if (human_is_utf8(s))
        return json_string(s);
    printable = human_printable(s);
    j = printable ? json_string(printable) : NULL;
    free(printable);
    return j;
}

json_t *report_json_count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

json_t *report_json_real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

bool report_print_json(json_t *j, FILE *out)
{
    bool done = j && json_dumpf(j, out, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) == 0;

    if (done)
        fputc('\n', out);
    json_decref(j);
    return done;
}
