/* von_neumann.h - the von Neumann entropies of a state's domains */
#ifndef CLI_VON_NEUMANN_H
#define CLI_VON_NEUMANN_H

#include <emx/estimators.h>
#include <stdbool.h>

/* Does a domain of the state have one? */
bool von_neumann_any(const struct emx_state *s);

/*
 * In nats, with the upper bounds of their standard errors: ret[emx_state_n_domains(s)].  `remove_first`: without the
 * first component.  EMX_ERR_EMPTY if a domain has none, or none of its documents had a direction, and what
 * emx_vne_set_read() can return; `allow_gaps`: NAN for such a domain instead.
 */
EMX_CHECKED enum emx_status von_neumann_read(struct emx_state *s, const char *path, bool remove_first, bool allow_gaps,
                                             struct emx_estimate *ret, struct emx_error *err);

#endif
