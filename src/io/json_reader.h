/*
 * json_reader.h - JSON values, one after the other, as events while the text arrives
 *
 * The only user of yajl.  Memory does not depend on the text: of a string only the first 64 KiB are told, and a number
 * of more than 1 MiB is an error.
 *
 *     json_reader_create() -> json_reader_feed()... -> json_reader_end() -> json_reader_destroy()
 *
 * Values are separated by white space.  Text is not checked to be UTF-8.  A reader that failed is only destroyed.
 */
#ifndef IO_JSON_READER_H
#define IO_JSON_READER_H

#include <emx/status.h>
#include <stddef.h>
#include <stdint.h>
#include <yajl/yajl_parse.h>

struct json_reader;

/*
 * events: constant, with `user` as their context; one that returns 0 stops the reading.  `path` (borrowed) is for
 * messages.
 */
EMX_CHECKED enum emx_status json_reader_create(const char *path, const yajl_callbacks *events, void *user,
                                               struct json_reader **ret, struct emx_error *err);
void json_reader_destroy(struct json_reader **r);

/*
 * More text, which is overwritten: events are called for what became complete.  EMX_ERR_STOPPED, with no message, if
 * one of them said so.
 */
EMX_CHECKED enum emx_status json_reader_feed(struct json_reader *r, char *text, size_t len, struct emx_error *err);
/* No more text: EMX_ERR_CORRUPT if it ends within a value. */
EMX_CHECKED enum emx_status json_reader_end(struct json_reader *r, struct emx_error *err);

/* Line, from 1, of the last byte that was read. */
uint64_t json_reader_line(const struct json_reader *r);

#endif
