#include <emx/emx.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *emx_version(void)
{
    return EMX_VERSION;
}

const char *emx_status_str(enum emx_status status)
{
    switch (status) {
    case EMX_OK:
        return "ok";
    case EMX_ERR_ARG:
        return "bad argument";
    case EMX_ERR_MEMORY:
        return "out of memory";
    case EMX_ERR_IO:
        return "input/output error";
    case EMX_ERR_FORMAT:
        return "bad format";
    case EMX_ERR_CORRUPT:
        return "corrupt data";
    case EMX_ERR_RANGE:
        return "out of range";
    case EMX_ERR_EMPTY:
        return "empty";
    case EMX_ERR_VERSION:
        return "other version";
    case EMX_ERR_STOPPED:
        return "stopped";
    }
    return "unknown status";
}

static void format_message(struct emx_error *err, enum emx_status status, const char *fmt, va_list args)
{
    err->status = status;
    vsnprintf(err->message, sizeof(err->message), fmt, args);
}

enum emx_status emx_fail(struct emx_error *err, enum emx_status status, const char *fmt, ...)
{
    if (err) {
        va_list args;

        va_start(args, fmt);
        format_message(err, status, fmt, args);
        va_end(args);
    }
    return status;
}

enum emx_status emx_fail_errno(struct emx_error *err, enum emx_status status, int errnum, const char *fmt, ...)
{
    if (err) {
        char cause[128];
        va_list args;
        size_t len;

        va_start(args, fmt);
        format_message(err, status, fmt, args);
        va_end(args);
        len = strlen(err->message);
        snprintf(err->message + len, sizeof(err->message) - len, ": %s", strerror_r(errnum, cause, sizeof(cause)));
    }
    return status;
}
