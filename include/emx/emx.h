/*
 * emx.h - libentromix: exact token statistics of pretraining corpora, entropies, mixture weights
 *
 *     shards.h    words -> list of shards
 *     cluster.h   processes that scan together
 *     scan.h      shards -> state file            state.h    state file -> settings, tables, spectra; merge
 *     spectrum.h  counts of counts                entropy.h  spectra -> entropies
 *     estimators.h  the same beyond what was counted  compare.h  domains with each other
 *     embeddings.h  vectors of tokens            vne.h      their spectrum -> von Neumann entropy
 *     vne_set.h   state file, vectors -> von Neumann entropies of its domains
 *     weights.h   entropies -> proportions        mixture.h  proportions -> a trainer's file
 *     observations.h  tables of losses -> runs and their evaluations
 *     law.h       losses of trained mixtures -> a law, predictions   law_file.h  a law as a file
 *     optimum.h   a law -> the mixture of least loss   plan.h     which mixtures to train
 *     domain_values.h  a number for each domain from a CSV file
 *     file.h      write a file whole or not at all
 */
#ifndef EMX_EMX_H
#define EMX_EMX_H

#include <emx/cluster.h>
#include <emx/compare.h>
#include <emx/domain_values.h>
#include <emx/embeddings.h>
#include <emx/entropy.h>
#include <emx/estimators.h>
#include <emx/file.h>
#include <emx/law.h>
#include <emx/law_file.h>
#include <emx/mixture.h>
#include <emx/observations.h>
#include <emx/optimum.h>
#include <emx/plan.h>
#include <emx/scan.h>
#include <emx/shards.h>
#include <emx/spectrum.h>
#include <emx/state.h>
#include <emx/status.h>
#include <emx/vne.h>
#include <emx/vne_set.h>
#include <emx/weights.h>

#define EMX_VERSION "0.1.0"

/* Version of the library that is linked, "0.1.0". */
EMX_API const char *emx_version(void);

#endif
