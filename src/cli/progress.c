/*
 * progress.c - how far a scan is: one line that is written over, or lines of a log
 *
 * The line is overwritten with blanks, not with escape sequences, and cut one column before the terminal's edge,
 * so it works on any terminal of any width.  The cursor waits at its beginning, so that what the terminal echoes
 * (^C) is overwritten with it.
 */
#include "progress.h"

#include "../util/memory_text.h"
#include "human.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const double LINE_SECONDS = 0.1, LOG_SECONDS = 10;

enum { MOST_WARNINGS = 10 };

void progress_init(struct progress *p, const char *when, bool quiet, bool verbose)
{
    *p = (struct progress){.quiet = quiet, .verbose = verbose && !quiet, .next = 0};
    pthread_mutex_init(&p->mutex, NULL);
    if (quiet || strcmp(when, "never") == 0)
        p->kind = PROGRESS_NONE;
    else if (strcmp(when, "always") == 0 || isatty(STDERR_FILENO))
        p->kind = PROGRESS_LINE;
    else
        p->kind = PROGRESS_LOG;
    if (p->kind == PROGRESS_LOG)
        p->next = LOG_SECONDS;
}

void progress_finish(struct progress *p)
{
    free(p->domain_is_done);
    pthread_mutex_destroy(&p->mutex);
}

static size_t terminal_width(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        return size.ws_col;
    return 80;
}

static void clear_line(struct progress *p)
{
    if (p->drawn > 0)
        fprintf(stderr, "%*s\r", (int)p->drawn, "");
    p->drawn = 0;
}

void progress_clear(struct progress *p)
{
    pthread_mutex_lock(&p->mutex);
    clear_line(p);
    pthread_mutex_unlock(&p->mutex);
}

static bool domain_done(const struct emx_scan_domain_progress *d)
{
    return d->n_shards == d->n_shards_total;
}

static size_t count_done(const struct emx_scan_progress *now)
{
    size_t n = 0;

    for (size_t i = 0; i < now->n_domains; i++)
        n += domain_done(&now->domains[i]);
    return n;
}

/* How far all is and how long it takes; the part that both kinds show. */
static void print_totals(const struct emx_scan_progress *now, FILE *out)
{
    struct human_number a, b;
    double seconds = now->seconds > 1e-3 ? now->seconds : 1e-3;
    bool known = now->n_bytes_total != UINT64_MAX && now->n_bytes_total > 0;
    double done = known ? (double)now->n_bytes / (double)now->n_bytes_total : 0;

    if (known)
        fprintf(out, "%3.0f%%  %s of %s", 100 * done, human_bytes(&a, (double)now->n_bytes),
                human_bytes(&b, (double)now->n_bytes_total));
    else
        fputs(human_bytes(&a, (double)now->n_bytes), out);
    fprintf(out, "  %s tokens  %s/s", human_short(&a, (double)now->n_tokens),
            human_short(&b, (double)now->n_tokens / seconds));
    if (known && done >= 1)
        fputs("  sorting and writing", out);
    else if (known && done > 0)
        fprintf(out, "  ETA %s", human_duration(&a, seconds * (1 - done) / done));
    else
        fprintf(out, "  %s", human_duration(&a, now->seconds));
}

/* Domains that are being read, as many as there is room for: ": web 2/8, code 1/4". */
static void print_running(const struct emx_scan_progress *now, size_t room, FILE *out)
{
    const char *separator = ": ";

    for (size_t i = 0; i < now->n_domains; i++) {
        const struct emx_scan_domain_progress *d = &now->domains[i];
        char item[300];
        size_t width;

        if (domain_done(d) || (d->n_tokens == 0 && d->n_shards == 0))
            continue;
        snprintf(item, sizeof(item), "%s%.200s %zu/%zu", separator, d->name, d->n_shards, d->n_shards_total);
        width = human_width(item);
        if (width > room)
            break;
        fputs(item, out);
        room -= width;
        separator = ", ";
    }
}

/* The whole line of a terminal `width` columns wide; caller frees. */
static char *compose(const struct emx_scan_progress *now, size_t width)
{
    struct memory_text line;
    char *clean;

    if (!memory_text_open(&line))
        return NULL;
    print_totals(now, line.stream);
    fprintf(line.stream, "  domains %zu/%zu", count_done(now), now->n_domains);
    if (fflush(line.stream) == 0 && human_width(line.bytes) < width)
        print_running(now, width - human_width(line.bytes), line.stream);
    clean = memory_text_close(&line) ? human_printable(line.bytes) : NULL;
    memory_text_finish(&line);
    if (clean)
        clean[human_prefix(clean, width)] = '\0';
    return clean;
}

static void draw(struct progress *p, const struct emx_scan_progress *now)
{
    char *line = compose(now, terminal_width() - 1);
    size_t width = line ? human_width(line) : 0;

    if (line)
        fprintf(stderr, "%s%*s\r", line, p->drawn > width ? (int)(p->drawn - width) : 0, "");
    p->drawn = width;
    free(line);
}

static void log_line(const struct emx_scan_progress *now)
{
    char *line = compose(now, 1000);

    if (line)
        say("%s", line + strspn(line, " "));
    free(line);
}

/* Tell of domains that are done since the last time. */
static void tell_domains(struct progress *p, const struct emx_scan_progress *now)
{
    struct human_number tokens;

    if (!p->domain_is_done)
        p->domain_is_done = calloc(now->n_domains, sizeof(*p->domain_is_done));
    for (size_t i = 0; p->domain_is_done && i < now->n_domains; i++) {
        const struct emx_scan_domain_progress *d = &now->domains[i];

        if (p->domain_is_done[i] || !domain_done(d))
            continue;
        p->domain_is_done[i] = true;
        clear_line(p);
        say("%s: read %zu shard%s, %s tokens", d->name, d->n_shards, d->n_shards == 1 ? "" : "s",
            human_grouped(&tokens, d->n_tokens));
    }
}

void progress_update(struct progress *p, const struct emx_scan_progress *now)
{
    pthread_mutex_lock(&p->mutex);
    p->n_tokens = now->n_tokens;
    p->n_bytes = now->n_bytes;
    p->n_shards = now->n_shards;
    p->n_domains = now->n_domains;
    if (p->verbose)
        tell_domains(p, now);
    if (p->kind != PROGRESS_NONE && now->seconds >= p->next) {
        if (p->kind == PROGRESS_LINE)
            draw(p, now);
        else
            log_line(now);
        p->next = now->seconds + (p->kind == PROGRESS_LINE ? LINE_SECONDS * 0.9 : LOG_SECONDS);
    }
    pthread_mutex_unlock(&p->mutex);
}

/* Called with the mutex. */
static void warn(struct progress *p, const char *sentence, const char *consequence)
{
    if (p->n_warnings++ < MOST_WARNINGS || p->verbose) {
        clear_line(p);
        say("warning: %s%s", sentence, consequence);
    }
}

void progress_warn(struct progress *p, const char *sentence)
{
    pthread_mutex_lock(&p->mutex);
    warn(p, sentence, "");
    pthread_mutex_unlock(&p->mutex);
}

void progress_skip(struct progress *p, const struct emx_skipped *what)
{
    bool is_frame = what->what == EMX_SKIPPED_FRAME;

    pthread_mutex_lock(&p->mutex);
    p->n_skipped += !is_frame;
    p->n_skipped_frames += is_frame;
    if (!p->quiet)
        warn(p, what->reason, is_frame ? "; the frame is skipped" : "; the shard is skipped");
    pthread_mutex_unlock(&p->mutex);
}

void progress_count_warnings(struct progress *p)
{
    if (p->n_warnings > MOST_WARNINGS && !p->verbose)
        say("warning: and %zu more like these; -v shows them", p->n_warnings - MOST_WARNINGS);
}
