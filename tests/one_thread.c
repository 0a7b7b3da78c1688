/*
 * one_thread.c - in place of pthread_create() where tests start no thread
 *
 * The build with the thread sanitizer leaves such tests out, so one that comes to start a thread must say so.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    (void)thread, (void)attributes, (void)start, (void)argument;
    fprintf(stderr, "this test starts a thread: take its name out of one_thread_tests in tests/meson.build\n");
    abort();
}
