/*
 * mixture.h - what happens to a mixture before and after a consumer has written it
 */
#ifndef REPORT_MIXTURE_H
#define REPORT_MIXTURE_H

#include "report/blend.h"

/* Names, proportions and template, before a blend is made of them. */
EMX_CHECKED enum emx_status mixture_check(const struct emx_mixture *m, struct emx_error *err);

/* Are paths UTF-8, and different from each other? */
EMX_CHECKED enum emx_status mixture_check_blend(const struct blend *b, struct emx_error *err);

/* Are labels different from each other?  For consumers that write them where a domain has several entries. */
EMX_CHECKED enum emx_status mixture_check_labels(const struct blend *b, struct emx_error *err);

/* Sentences for the user; adds nothing if there is nothing to say. */
void mixture_add_notes(struct text *t, const struct blend *b);

#endif
