/* cut_file.h - a mapped file that somebody cuts short while it is read: a sentence, in place of a death by SIGBUS */
#ifndef CLI_CUT_FILE_H
#define CLI_CUT_FILE_H

/* From here on such a file ends the program with EXIT_FAILED and one sentence that names it. */
void cut_file_watch(void);

#endif
