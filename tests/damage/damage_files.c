/*
 * damage_files.c - damaged files of everything but shards: states, laws, mixtures, tables of losses, numbers of
 * domains
 *
 *     damage_files [--full]   as damage_shards
 *
 * What is still read is compared with the whole file's by a text or bytes that hold all of it, and must pass the
 * validator of its kind.
 */
#include "../law_tables.h"
#include "../state_tables.h"
#include "damage.h"
#include "observations/read.h"
#include "report/law_read.h"
#include "report/mixture_read.h"

#include <emx/domain_values.h>

static char folder[] = "/tmp/emx-damage-XXXXXX", path[64];
static uint64_t seed;

static bool damage_whole(const char *name, enum coverage coverage, const void *data, size_t len,
                         enum outcome (*read)(const struct subject *s, const unsigned char *data, size_t len))
{
    struct bytes whole = {0};
    const struct subject s = {name, coverage, data, len, read, &whole, NULL};
    bool ok = damage(&s);

    bytes_free(&whole);
    return ok;
}

/* --- states --------------------------------------------------------------------------------------------------- */

static enum outcome read_state(const struct subject *s, const unsigned char *data, size_t len)
{
    struct emx_state *state = NULL;
    struct bytes same = {0};
    struct emx_error err = {0};
    enum emx_status status = emx_state_open_memory(data, len, "x.emx", &state, &err);

    if (!status)
        status = emx_state_verify(state, &err);
    emx_state_close(&state);
    if (status)
        return damage_refused(status, &err);
    put(&same, data, len); /* equal counts have equal bytes */
    return damage_compare(s->whole_result, &same);
}

static void states(void)
{
    struct table tables[2] = {random_table(&seed, 40, 50), random_table(&seed, 3, 70000)};
    size_t len = 0;
    unsigned char *data;

    CHECK(write_measured(path, tables, 2, NULL) == EMX_OK);
    data = read_whole(path, &len);
    CHECK(data && damage_whole("state .emx", SEALED, data, len, read_state));
    free(data);
    table_finish(&tables[0]);
    table_finish(&tables[1]);
}

/* --- laws, mixtures, tables -------------------------------------------------------------------------------------- */

static enum outcome read_law(const struct subject *s, const unsigned char *data, size_t len)
{
    struct emx_law *law = NULL;
    struct bytes text = {0};
    char *written = NULL;
    struct emx_error err = {0};
    enum emx_status status = law_parse("law.json", (const char *)data, len, &law, &err);
    bool ok =
        !status && emx_law_check(law, NULL) == EMX_OK && emx_law_format_json(law, NULL, NULL, &written, NULL) == EMX_OK;

    emx_law_destroy(&law);
    if (status)
        return damage_refused(status, &err);
    if (!ok)
        return WRONG;
    put(&text, written, strlen(written));
    free(written);
    return damage_compare(s->whole_result, &text);
}

static void laws(void)
{
    static const enum emx_law_form forms[] = {EMX_LAW_BIMIX, EMX_LAW_BIMIX_TRANSFER, EMX_LAW_EXPONENTIAL};

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        struct emx_observations *o = table_create(2, 3, 2, &seed);
        struct emx_law *law = law_plant(o, 2, forms[i], &seed);
        char *text = NULL;

        CHECK(emx_law_format_json(law, "losses.csv", "step", &text, NULL) == EMX_OK);
        CHECK(text && damage_whole("law .json", MEASURED, text, strlen(text), read_law));
        free(text);
        emx_law_destroy(&law);
        emx_observations_destroy(&o);
    }
}

static enum outcome read_mixture(const struct subject *s, const unsigned char *data, size_t len)
{
    static const char *const domains[] = {"web", "code"};
    double mixture[2];
    char *text = must(strndup((const char *)data, len)); /* a NUL ends what is read anyway */
    struct bytes read = {0};
    struct emx_error err = {0};
    enum emx_status status = mixture_parse("mix", text, strlen(text), domains, 2, mixture, &err);

    free(text);
    if (status)
        return damage_refused(status, &err);
    if (!(mixture[0] >= 0 && mixture[1] >= 0 && fabs(mixture[0] + mixture[1] - 1) < 2e-6))
        return WRONG;
    put(&read, mixture, sizeof(mixture));
    return damage_compare(s->whole_result, &read);
}

static bool damage_text(const char *name, enum coverage coverage, const char *text,
                        enum outcome (*read)(const struct subject *s, const unsigned char *data, size_t len))
{
    return damage_whole(name, coverage, text, strlen(text), read);
}

static void mixtures(void)
{
    CHECK(damage_text("mixture .json", MEASURED, "{\"web\": 0.75, \"code\": 0.25}", read_mixture));
    CHECK(damage_text("mixture .json", MEASURED,
                      "{\"format\": \"entromix-mixture\", \"version\": 1, \"domains\": [{\"name\": \"web\", "
                      "\"proportion\": 0.625, \"entropy\": 2.5}, {\"name\": \"code\", \"proportion\": 0.375}]}",
                      read_mixture));
    CHECK(
        damage_text("mixture .csv", OPEN, "domain,proportion,entropy\nweb,0.75,\"1,5\"\ncode,0.25,2\n", read_mixture));
}

static void put_observations(struct bytes *b, const struct emx_observations *o)
{
    for (size_t i = 0; i < o->n_domains; i++)
        put(b, o->domains[i], strlen(o->domains[i]) + 1);
    for (size_t i = 0; i < o->n_mixtures; i++)
        put(b, o->mixtures[i], strlen(o->mixtures[i]) + 1);
    put(b, o->proportion, o->n_mixtures * o->n_domains * sizeof(*o->proportion));
    put(b, o->mixture, o->n_rows * sizeof(*o->mixture));
    put(b, o->step, o->n_rows * sizeof(*o->step));
    put(b, o->loss, o->n_rows * o->n_scored * sizeof(*o->loss));
}

/* As observations.h promises. */
static bool is_table(const struct emx_observations *o)
{
    bool ok = o->n_rows > 0 && o->n_domains > 0 && o->n_scored > 0;

    for (size_t i = 0; i < o->n_mixtures; i++) {
        double sum = 0;

        for (size_t j = 0; j < o->n_domains; j++)
            sum += o->proportion[i * o->n_domains + j];
        ok = ok && fabs(sum - 1) < 2e-6;
    }
    for (size_t i = 0; i < o->n_rows; i++)
        ok = ok && o->step[i] > 0 && o->mixture[i] < o->n_mixtures;
    for (size_t i = 0; i < o->n_rows * o->n_scored; i++)
        ok = ok && o->loss[i] > 0 && isfinite(o->loss[i]);
    return ok;
}

static enum outcome read_table(const struct subject *s, const unsigned char *data, size_t len)
{
    const struct emx_observations_options options = {0};
    struct emx_observations *o = NULL;
    struct bytes read = {0};
    struct emx_error err = {0};
    enum emx_status status = observations_parse("t.csv", (const char *)data, len, &options, &o, &err);
    bool ok = !status && is_table(o);

    if (ok)
        put_observations(&read, o);
    emx_observations_destroy(&o);
    if (status)
        return damage_refused(status, &err);
    return ok ? damage_compare(s->whole_result, &read) : WRONG;
}

static void tables_of_losses(void)
{
    CHECK(damage_text("losses, wide .csv", OPEN,
                      "run,step,weight_web,weight_code,web_loss,code_loss\n"
                      "a,100,0.75,0.25,3.5,2.25\na,200,0.75,0.25,3.25,2\n\"b\",100,0.5,0.5,3.75,2.125\n",
                      read_table));
    CHECK(damage_text("losses, long .csv", OPEN,
                      "run,domain,proportion,step,loss\n"
                      "a,web,0.75,100,3.5\na,code,0.25,100,2.25\nb,web,0.5,100,3.75\nb,code,0.5,100,2.125\n",
                      read_table));
}

/* From disk: the only way in. */
static enum outcome read_values(const struct subject *s, const unsigned char *data, size_t len)
{
    static const char *const domains[] = {"web", "code"};
    FILE *f = must(fopen(path, "wb"));
    double values[2];
    struct bytes read = {0};
    struct emx_error err = {0};
    enum emx_status status;

    if (fwrite(data, 1, len, f) != len || fclose(f) != 0)
        abort();
    status = emx_domain_values_read(path, "tokens", domains, 2, EMX_OTHERS_REFUSE, values, &err);
    if (status)
        return damage_refused(status, &err);
    if (!(values[0] >= 0 && values[1] >= 0 && isfinite(values[0]) && isfinite(values[1])))
        return WRONG;
    put(&read, values, sizeof(values));
    return damage_compare(s->whole_result, &read);
}

static void values_of_domains(void)
{
    static const char text[] = "domain,tokens\nweb,120000\ncode,4.5e6\n";
    struct bytes stored = {0};

    CHECK(damage_text("values of domains .csv", OPEN, text, read_values));
    put_zstd(&stored, text, strlen(text), (struct frame_options){.level = 3, .checksum = true});
    CHECK(damage_whole("values of domains .csv.zst", SEALED, stored.data, stored.len, read_values));
    bytes_free(&stored);
}

int main(int argc, char **argv)
{
    char command[64];

    seed = test_seed();
    damage_begin(argc, argv);
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof(path), "%s/file", folder);
    RUN(states);
    RUN(laws);
    RUN(mixtures);
    RUN(tables_of_losses);
    RUN(values_of_domains);
    damage_table();
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    CHECK(system(command) == 0);
    return test_summary();
}
