/* domain_values.h - a number for each domain from a CSV file: tokens, weights */
#ifndef EMX_DOMAIN_VALUES_H
#define EMX_DOMAIN_VALUES_H

#include <emx/status.h>
#include <stddef.h>

/* What to do with domains of the file that are not among those asked for. */
enum emx_others { EMX_OTHERS_REFUSE, EMX_OTHERS_IGNORE };

/*
 * Read the columns "domain" and `column` of a CSV file with a header (plain, zstd or gzip; "-" is standard input); of a
 * file of two columns the one that is not "domain" is taken, whatever its name.  Values are numbers of at least 0.
 * Writes ret[n], in the order of domains[n]; each must occur once.
 *
 * EMX_ERR_IO, EMX_ERR_FORMAT, EMX_ERR_RANGE, EMX_ERR_MEMORY; err names file, row and domain.
 */
EMX_API EMX_CHECKED enum emx_status emx_domain_values_read(const char *path, const char *column,
                                                           const char *const *domains, size_t n, enum emx_others others,
                                                           double *ret, struct emx_error *err);

#endif
