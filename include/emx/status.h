/*
 * status.h - how entromix reports that something outside the program went wrong
 *
 * A function that can fail returns enum emx_status and, where a sentence helps,
 * fills a struct emx_error given as its last parameter (which may be NULL).
 * The library never prints and never exits.
 */
#ifndef EMX_STATUS_H
#define EMX_STATUS_H

#if defined(__GNUC__)
#define EMX_CHECKED __attribute__((warn_unused_result))
#define EMX_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define EMX_API __attribute__((visibility("default")))
#else
#define EMX_CHECKED
#define EMX_PRINTF(fmt, args)
#define EMX_API
#endif

enum emx_status {
    EMX_OK = 0,
    EMX_ERR_ARG,     /* the caller's argument or option is wrong */
    EMX_ERR_MEMORY,  /* no memory, or the memory limit would be exceeded */
    EMX_ERR_IO,      /* the system refused: missing file, permission, full disk */
    EMX_ERR_FORMAT,  /* the bytes are not what their format promises */
    EMX_ERR_CORRUPT, /* a checksum does not match, or a stream is cut off */
    EMX_ERR_RANGE,   /* a number is outside its stated limits */
    EMX_ERR_EMPTY,   /* nothing to work on (entropy would be undefined) */
    EMX_ERR_VERSION, /* made by another version of the format */
    EMX_ERR_STOPPED, /* the caller asked to stop */
};

struct emx_error {
    enum emx_status status;
    char message[1000]; /* one sentence: file, offset where there is one, cause */
};

/* The name of a status in a few words, for example "bad format". Never NULL. */
EMX_API const char *emx_status_str(enum emx_status status);

/* Fill *err (if not NULL) with status and the formatted sentence; returns status. */
EMX_API enum emx_status emx_fail(struct emx_error *err, enum emx_status status, const char *fmt, ...) EMX_PRINTF(3, 4);

/* emx_fail() followed by ": " and the text of errno value `errnum`. */
EMX_API enum emx_status emx_fail_errno(struct emx_error *err, enum emx_status status, int errnum, const char *fmt, ...)
    EMX_PRINTF(4, 5);

#endif
