/*
 * consumers.h - every consumer of mixtures; to add one: its file, a line here, a row of the table in mixture.c
 */
#ifndef REPORT_CONSUMERS_H
#define REPORT_CONSUMERS_H

#include "report/blend.h"

extern const struct emx_mixture_consumer to_json, to_csv;
extern const struct emx_mixture_consumer to_megatron, to_megatron_per_split, to_nemo, to_gpt_neox;
extern const struct emx_mixture_consumer to_llm_foundry, to_olmo_core, to_nanotron, to_levanter;
extern const struct emx_mixture_consumer to_doremi, to_regmix, to_open_lm;
extern const struct emx_mixture_consumer to_litdata, to_hf_datasets, to_lingua;

#endif
