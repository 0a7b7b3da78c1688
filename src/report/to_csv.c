/* CSV (RFC 4180, lines end in LF): a header, then a row a domain; unknown fields are empty */
#include "report/consumers.h"
#include "report/decimal.h"

#include <math.h>
#include <stdlib.h>

static void add_real(struct text *t, double x)
{
    text_add(t, ",");
    if (isfinite(x))
        text_add_decimal(t, x);
}

static void add_row(struct text *t, const struct blend_entry *e, const char *probability)
{
    const struct emx_domain *d = e->domain->counted;

    text_add_csv(t, e->label);
    text_addf(t, ",%s,%s", e->number, probability ? probability : "");
    add_real(t, e->domain->entropy);
    if (d)
        text_addf(t, ",%llu,%llu", (unsigned long long)d->n_tokens, (unsigned long long)d->n_documents);
    else
        text_add(t, ",,");
    add_real(t, e->domain->proportion_error);
    add_real(t, e->domain->entropy_error);
    text_add(t, "\n");
}

static void write_csv(struct text *t, const struct blend *b)
{
    char **probability = document_decimals(b, &t->failed);

    text_add(t, "domain,proportion,document_probability,entropy,tokens,documents,proportion_error,entropy_error\n");
    for (size_t i = 0; i < b->n; i++)
        add_row(t, &b->entries[i], probability ? probability[i] : NULL);
    document_decimals_free(probability, b->n);
}

const struct emx_mixture_consumer to_csv = {.write = write_csv};
