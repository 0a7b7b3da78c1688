/*
 * law_file.h - a fitted law as a JSON file: docs/law-json.md
 *
 * What is written and read again is the same law to the last bit.
 */
#ifndef EMX_LAW_FILE_H
#define EMX_LAW_FILE_H

#include <emx/law.h>

/*
 * Write a law into a string the caller frees with free().  `source`, the table's name, and `step_name`, what steps
 * count, may be NULL.  EMX_ERR_RANGE if it is no law that emx_law_check() accepts, EMX_ERR_MEMORY.
 */
EMX_API EMX_CHECKED enum emx_status emx_law_format_json(const struct emx_law *law, const char *source,
                                                        const char *step_name, char **ret_text, struct emx_error *err);

/*
 * Read a law: at most 256 MiB, plain, zstd or gzip; "-" is standard input.  Nothing in it is believed: lengths must
 * agree before memory is taken for them, and emx_law_check() must accept the numbers.
 *
 * EMX_ERR_IO, EMX_ERR_FORMAT for what is no such JSON, EMX_ERR_VERSION for another version of it, EMX_ERR_RANGE for
 * numbers that no fit gives, EMX_ERR_MEMORY; err names the file and what is wrong in it.
 * On success *ret is to be freed with emx_law_destroy().
 */
EMX_API EMX_CHECKED enum emx_status emx_law_read(const char *path, struct emx_law **ret, struct emx_error *err);

#endif
