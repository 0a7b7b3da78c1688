/* von_neumann.h - the von Neumann entropies of a state's domains */
#ifndef CLI_VON_NEUMANN_H
#define CLI_VON_NEUMANN_H

#include <emx/state.h>

/* Does a domain of the state have one? */
bool von_neumann_any(const struct emx_state *s);

/*
 * In nats, ret[emx_state_n_domains(s)].  EMX_ERR_EMPTY if a domain has none, or none of its documents had a direction,
 * and what emx_vne_set_read() can return; `allow_gaps`: NAN for such a domain instead.
 */
EMX_CHECKED enum emx_status von_neumann_read(struct emx_state *s, const char *path, bool allow_gaps, double *ret,
                                             struct emx_error *err);

#endif
