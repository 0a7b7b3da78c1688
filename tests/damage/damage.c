/* damage.c - flips, cuts, counts */
#include "damage.h"

#include <signal.h>
#include <unistd.h>

enum { FEW_POSITIONS = 100, MOST_POSITIONS = 6000, SECONDS = 10, MOST_ROWS = 128 };

static const char *const coverage_names[] = {"sealed", "framed", "measured", "open"};

struct row {
    const char *name;
    enum coverage coverage;
    size_t flips[N_OUTCOMES], cuts[N_OUTCOMES];
};

static struct row rows[MOST_ROWS];
static size_t n_rows;
static bool is_full;
static char current[256]; /* the damage at hand, for who dies of it */

static void tell(int signal_number)
{
    static const char hang[] = "\nhangs: ", crash[] = "\ncrashes: ";
    bool is_hang = signal_number == SIGALRM;
    ssize_t n = write(STDOUT_FILENO, is_hang ? hang : crash, (is_hang ? sizeof(hang) : sizeof(crash)) - 1);

    n += write(STDOUT_FILENO, current, strlen(current));
    n += write(STDOUT_FILENO, "\n", 1);
    if (is_hang || n < 0)
        _exit(1);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void damage_begin(int argc, char **argv)
{
    static const int signals[] = {SIGALRM, SIGSEGV, SIGBUS, SIGFPE, SIGABRT};

    is_full = argc > 1 && strcmp(argv[1], "--full") == 0;
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        signal(signals[i], tell);
}

bool damage_is_full(void)
{
    return is_full;
}

enum outcome damage_refused(enum emx_status status, const struct emx_error *err)
{
    bool is_told = status != EMX_OK && err->status == status && err->message[0] && !strchr(err->message, '\n');

    return is_told ? REFUSED : WRONG;
}

enum outcome damage_compare(struct bytes *whole, struct bytes *read)
{
    enum outcome outcome = EQUAL;

    if (!whole->data) {
        bytes_room(read, 1); /* so that it is there, if it is empty, too */
        *whole = *read;
        return EQUAL;
    }
    if (read->len != whole->len || memcmp(read->data, whole->data, read->len) != 0)
        outcome = CHANGED;
    bytes_free(read);
    return outcome;
}

static struct row *row_of(const struct subject *s)
{
    for (size_t i = 0; i < n_rows; i++) {
        if (strcmp(rows[i].name, s->name) == 0)
            return &rows[i];
    }
    if (n_rows == MOST_ROWS)
        abort();
    rows[n_rows] = (struct row){.name = s->name, .coverage = s->coverage};
    return &rows[n_rows++];
}

/* Read `len` bytes of which one is changed; a copy, so that a sanitizer sees each byte that is read behind its end. */
static enum outcome read_copy(const struct subject *s, size_t len, size_t at, unsigned char change)
{
    unsigned char *copy = must(malloc(len + (len == 0)));
    enum outcome outcome;

    if (len)
        memcpy(copy, s->whole, len);
    if (change)
        copy[at] ^= change;
    snprintf(current, sizeof(current), "%s, %zu of %zu bytes, byte %zu ^ 0x%02x", s->name, len, s->len, at, change);
    alarm(SECONDS);
    outcome = s->read(s, copy, len);
    alarm(0);
    free(copy);
    return outcome;
}

static bool note(size_t *counts, enum outcome outcome, bool may_change)
{
    bool allowed = outcome == REFUSED || outcome == EQUAL || (outcome == CHANGED && may_change);

    counts[outcome]++;
    if (!allowed)
        printf("%s: %s\n", current, outcome == CHANGED ? "not noticed" : "accepted, and wrong");
    return allowed;
}

static bool flip(const struct subject *s, struct row *row, size_t at, unsigned char change)
{
    return note(row->flips, read_copy(s, s->len, at, change), s->coverage >= MEASURED);
}

bool damage(const struct subject *s)
{
    struct row *row = row_of(s);
    size_t most = is_full ? MOST_POSITIONS : FEW_POSITIONS, step = s->len / most + 1;
    bool ok = read_copy(s, s->len, 0, 0) == EQUAL;

    if (!ok)
        printf("%s: the whole file is not read\n", s->name);
    for (size_t at = 0; at < s->len && ok; at += step) {
        for (unsigned bit = 0; bit < 8; bit++) {
            if (is_full || bit == at % 8)
                ok &= flip(s, row, at, (unsigned char)(1u << bit));
        }
        ok &= flip(s, row, at, 0xff);
        ok &= note(row->cuts, read_copy(s, at, 0, 0), s->coverage == OPEN || s->coverage == FRAMED);
    }
    return ok;
}

void damage_table(void)
{
    printf("%-34s %-8s %9s %9s %9s %9s %9s %9s\n", "FILE", "COVERAGE", "FLIPS", "REFUSED", "EQUAL", "CHANGED", "CUTS",
           "CHANGED");
    for (size_t i = 0; i < n_rows; i++) {
        const struct row *r = &rows[i];
        size_t flips = 0, cuts = 0;

        for (int k = 0; k < N_OUTCOMES; k++) {
            flips += r->flips[k];
            cuts += r->cuts[k];
        }
        printf("%-34s %-8s %9zu %9zu %9zu %9zu %9zu %9zu\n", r->name, coverage_names[r->coverage], flips,
               r->flips[REFUSED], r->flips[EQUAL], r->flips[CHANGED], cuts, r->cuts[CHANGED]);
    }
}
