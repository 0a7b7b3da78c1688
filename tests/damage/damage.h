/*
 * damage.h - a file damaged in every way that is small: each bit flipped, each byte inverted, cut at every length
 *
 *     damage(&subject) for each file -> damage_table()
 *
 * A subject reads bytes as its format is read by the library and says what came of it.  A read that takes ten seconds
 * ends the program, as a crash does; both say first which damage it was.  By default at most FEW_POSITIONS places are
 * damaged, one bit and one byte at each; with --full all of them.
 */
#ifndef DAMAGE_DAMAGE_H
#define DAMAGE_DAMAGE_H

#include "../stored.h"

#include <stdbool.h>

/* What came of reading. */
enum outcome {
    REFUSED, /* an error of one sentence */
    EQUAL,   /* the result of the whole file */
    CHANGED, /* another result, which its validator accepts */
    WRONG,   /* a result that its validator does not accept, or an error without a sentence */
    N_OUTCOMES
};

/* What may come of damage, beside REFUSED and EQUAL. */
enum coverage {
    SEALED, /* nothing: a checksum covers all of it */
    FRAMED, /* a cut may be CHANGED, a flip not: whole parts with checksums, of which nobody says how many there are */
    MEASURED, /* a flip may be CHANGED, a cut not: lengths are stated */
    OPEN,     /* both may be CHANGED: nothing tells */
};

struct subject {
    const char *name; /* of the row in the table */
    enum coverage coverage;
    const unsigned char *whole; /* [len] */
    size_t len;
    /* data[len] is malloc'ed to the byte. */
    enum outcome (*read)(const struct subject *s, const unsigned char *data, size_t len);
    struct bytes *whole_result; /* for damage_compare(); empty at first */
    const void *context;
};

/* Reads --full; watches for crashes and hangs from here on. */
void damage_begin(int argc, char **argv);
bool damage_is_full(void);

/* Damage the subject's file; true if nothing came of it but what its coverage allows.  Names repeat: rows add up. */
bool damage(const struct subject *s);

/* Print what came of all. */
void damage_table(void);

/* REFUSED if the failure has that status and a sentence, in one line; else WRONG. */
enum outcome damage_refused(enum emx_status status, const struct emx_error *err);

/* EQUAL or CHANGED: `read` is all that was read, and is freed; the first of a subject, of the whole file, is kept. */
enum outcome damage_compare(struct bytes *whole, struct bytes *read);

#endif
