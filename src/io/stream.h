/*
 * stream.h - the bytes of one shard in order, decompressed, while its XXH3 is taken
 *
 *     stream_open() -> stream_peek(), _read(), _read_some(), _skip(), _take_piece() in any order -> stream_close()
 *
 * The codec is recognised by content: zstd (one frame, many, skippable ones anywhere, seekable), gzip (one member
 * or many, zero padding), or none.  bzip2, xz and lz4 are recognised and refused.  A raw token file may begin with any
 * bytes, so a magic is believed only with a possible header behind it, which chance gives less than once in 2^28
 * files; such a file then fails to decode (it is never counted wrongly), and is read once it is compressed.
 * A file whose name ends in .zst, .zstd or .gz and whose content does not begin so is EMX_ERR_CORRUPT, unless empty.
 *
 * Errors are EMX_ERR_CORRUPT for what is cut off, does not match its checksum, holds another size than it states
 * or is followed by something else; EMX_ERR_RANGE for a zstd window above the limit; EMX_ERR_FORMAT for dictionaries
 * and codecs that are not supported.  A stream that failed fails again in the same way.  What lies behind the last
 * byte that was taken is unchecked: only who reads to the end (*ret_n == 0) knows that the whole file is good.
 *
 * Thread-safety: one thread at a time; piece decoders need no lock.
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include "io/file.h"

struct stream;

/*
 * Open the file at path ("-": standard input) and read synchronously.  window_log_max: largest zstd window
 * accepted, as a power of two of bytes (10..31); a frame that needs more is EMX_ERR_RANGE.
 */
EMX_CHECKED enum emx_status stream_open(const struct file_space *space, const char *path, int window_log_max,
                                        struct stream **ret, struct emx_error *err);
void stream_close(struct stream **s);

/* Where a message should point: path and how far the decompressed bytes were read. */
const char *stream_path(const struct stream *s);
uint64_t stream_position(const struct stream *s); /* decompressed bytes handed out so far */
const char *stream_codec(const struct stream *s); /* "none", "zstd", "gzip" */

/*
 * Size of the shard when decompressed if it can be known without reading it all: of a plain file, or of a zstd file of
 * at most 8 MiB whose frames all state theirs (whose headers are read by position).  Else, and of pipes, UINT64_MAX.
 * For zstd it is what the frames claim; reading the shard gives that many bytes or fails.
 */
uint64_t stream_size(const struct stream *s);

/*
 * Look at the next bytes without taking them: cap (at most 64 KiB), fewer only at the end.  *ret is valid until the
 * next call.  At the beginning of a frame this does not keep a piece from being taken there.
 */
EMX_CHECKED enum emx_status stream_peek(struct stream *s, const void **ret, size_t cap, size_t *ret_n,
                                        struct emx_error *err);

/* Take the next bytes: *ret_n < cap only at the end of the shard. */
EMX_CHECKED enum emx_status stream_read(struct stream *s, void *buf, size_t cap, size_t *ret_n, struct emx_error *err);

/*
 * The same, but it may also stop short where a piece may be taken (stream_take_piece()): *ret_n is 0 only at the end
 * of the shard.  Reads that do not stop there run from one frame into the next and never find a piece again.
 */
EMX_CHECKED enum emx_status stream_read_some(struct stream *s, void *buf, size_t cap, size_t *ret_n,
                                             struct emx_error *err);

/* Take exactly n bytes and drop them; EMX_ERR_CORRUPT if the shard ends before. */
EMX_CHECKED enum emx_status stream_skip(struct stream *s, uint64_t n, struct emx_error *err);

/* Of the bytes of the file that were read so far: XXH3-64 and their number.  At the end: of the whole file. */
uint64_t stream_xxh3(const struct stream *s);
uint64_t stream_n_stored(const struct stream *s);

/*
 * Pieces: whole zstd frames that state their decompressed size, taken in order under the caller's lock and then
 * decoded by any thread.  Short frames are joined to a piece of at least 256 KiB of content where they can be.
 * A piece is taken only at a frame's beginning and only if the frame is not the whole shard (a single frame is
 * better shared block by block, through stream_read_some()) and stores at most 8 MiB.
 */
struct stream_piece {
    unsigned char *stored; /* [n_stored], malloc'ed, of capacity `cap`: reused by the next take, freed by the caller */
    size_t n_stored, cap;
    uint64_t position; /* of its first byte in the decompressed shard */
    uint64_t offset;   /* of its first stored byte in the file; the frames lie there side by side */
    uint64_t size;     /* decompressed bytes, at least 1 */
    size_t n_used;     /* of stored, by piece_read() */
    /* What its neighbours state: content of the frame before it and of the one behind it; 0: there is none */
    uint64_t size_before, size_after;
    bool is_last; /* the file ends with it */
};

/*
 * *ret_taken false: no piece can be taken here (the shard is over, or the next bytes are to be had with
 * stream_read_some()); try again after it.  Taking and reading may alternate.
 */
EMX_CHECKED enum emx_status stream_take_piece(struct stream *s, struct stream_piece *piece, bool *ret_taken,
                                              struct emx_error *err);

/* One a thread; decodes piece after piece.  `path` (borrowed for the call) is for messages. */
struct piece_decoder;
EMX_CHECKED enum emx_status piece_decoder_create(int window_log_max, struct piece_decoder **ret, struct emx_error *err);
void piece_decoder_destroy(struct piece_decoder **d);
/* Next content bytes of the piece, up to cap; *ret_n < cap only at its end. The frames must yield piece->size bytes. */
EMX_CHECKED enum emx_status piece_read(struct piece_decoder *d, struct stream_piece *piece, const char *path, void *buf,
                                       size_t cap, size_t *ret_n, struct emx_error *err);

/*
 * For who goes on without frames that are broken.  Only between frames of the piece, where piece_read() has handed out
 * all before: decode what follows into buf, again and again, and hand nothing out.  *ret_n: bytes of content from here
 * to the first frame that fails, or to the end of the piece.  It is 0 only with the error of the frame that is here.
 */
EMX_CHECKED enum emx_status piece_check(struct piece_decoder *d, struct stream_piece *piece, const char *path,
                                        void *buf, size_t cap, uint64_t *ret_n, struct emx_error *err);

struct piece_frame {
    uint64_t offset;   /* in the file as stored */
    uint64_t n_stored; /* bytes there */
    uint64_t size;     /* of its content */
};

/*
 * After piece_check() gave 0: pass the broken frame.  False if it is doubtful how much content it had, for what it
 * states may be broken, too: it is believed if just the checksum fails, if a neighbour states the same size, or of the
 * last frame of the file if it is not larger than the one before it.
 */
bool piece_pass(struct piece_decoder *d, struct stream_piece *piece, struct piece_frame *ret);

#endif
