/* von_neumann.h - the von Neumann entropies of a state's domains, from a file that entromix vne -o wrote */
#ifndef CLI_VON_NEUMANN_H
#define CLI_VON_NEUMANN_H

#include <emx/state.h>

/*
 * In nats, ret[emx_state_n_domains(s)].  EMX_ERR_ARG if a domain is not in the file, EMX_ERR_EMPTY if none of its
 * documents had a direction; and what reading the file can return.
 */
EMX_CHECKED enum emx_status von_neumann_read(const char *path, const struct emx_state *s, double *ret,
                                             struct emx_error *err);

#endif
