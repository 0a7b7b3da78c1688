/*
 * test_human.c - what the program shows to people: numbers with units, text that is safe to print, near words
 */
#include "test.h"

#include "cli/human.h"
#include "cli/nearest.h"

#include <stdbool.h>

static void grouped_numbers_have_three_digits_a_group(void)
{
    struct human_number b;

    CHECK_STR(human_grouped(&b, 0), "0");
    CHECK_STR(human_grouped(&b, 999), "999");
    CHECK_STR(human_grouped(&b, 1000), "1,000");
    CHECK_STR(human_grouped(&b, 1234567), "1,234,567");
    CHECK_STR(human_grouped(&b, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void short_numbers_have_three_digits(void)
{
    struct human_number b;
    uint64_t seed = test_seed();

    CHECK_STR(human_short(&b, 0), "0");
    CHECK_STR(human_short(&b, 999), "999");
    CHECK_STR(human_short(&b, 999.6), "1.00k");
    CHECK_STR(human_short(&b, 9994), "9.99k");
    CHECK_STR(human_short(&b, 9996), "10.0k");
    CHECK_STR(human_short(&b, 999499), "999k");
    CHECK_STR(human_short(&b, 999500), "1.00M");
    CHECK_STR(human_bytes(&b, 12), "12 B");
    CHECK_STR(human_bytes(&b, 1.5e9), "1.50 GB");
    for (int i = 0; i < test_rounds(10000); i++) {
        double n = ldexp((double)(test_random(&seed) >> 11) + 1, -(int)(test_random(&seed) % 53));
        double shown = 0;
        char prefix = 0;
        static const char prefixes[] = "kMGTPE";

        CHECK(sscanf(human_short(&b, n), "%lf%c", &shown, &prefix) >= 1);
        shown *= prefix ? pow(1000, (double)(strchr(prefixes, prefix) - prefixes) + 1) : 1;
        CHECK_NEAR(shown, n, n < 1000 ? 0.5 : n * 0.005);
    }
}

static void durations_carry(void)
{
    struct human_number b;

    CHECK_STR(human_duration(&b, 0), "0:00");
    CHECK_STR(human_duration(&b, 59.4), "0:59");
    CHECK_STR(human_duration(&b, 59.6), "1:00");
    CHECK_STR(human_duration(&b, 3599.6), "1:00:00");
    CHECK_STR(human_duration(&b, 100 * 3600 + 61), "100:01:01");
    CHECK_STR(human_duration(&b, (double)NAN), "0:00");
}

static void check_printable(const char *raw, const char *expected)
{
    char *s = human_printable(raw);

    CHECK_STR(s, expected);
    CHECK(human_is_utf8(s));
    CHECK((strcmp(raw, expected) == 0) <= human_is_utf8(raw));
    free(s);
}

static void printable_text_keeps_utf8_and_nothing_else(void)
{
    check_printable("", "");
    check_printable("web/ä→𝄞.bin", "web/ä→𝄞.bin");
    check_printable("\x1b[31m\n\x7f", "\\x1b[31m\\x0a\\x7f");
    check_printable("\xc2\x9b", "\\xc2\\x9b");                              /* CSI as one character */
    check_printable("\xff\xc3", "\\xff\\xc3");                              /* never, and cut off */
    check_printable("\xc0\xaf \xe0\x80\xaf", "\\xc0\\xaf \\xe0\\x80\\xaf"); /* overlong */
    check_printable("\xed\xa0\x80", "\\xed\\xa0\\x80");                     /* a surrogate */
    check_printable("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");            /* above U+10FFFF */
}

static void any_bytes_become_printable(void)
{
    uint64_t seed = test_seed();

    for (int i = 0; i < test_rounds(20000); i++) {
        char raw[16] = {0};

        for (size_t k = 0; k < test_random(&seed) % sizeof(raw); k++)
            raw[k] = (char)(test_random(&seed) % 255 + 1);
        char *s = human_printable(raw);
        CHECK(s && human_is_utf8(s) && human_width(s) >= human_width(raw));
        for (const char *c = s; c && *c; c++)
            CHECK((unsigned char)*c >= 0x20 && *c != 0x7F);
        free(s);
    }
}

static void prefixes_end_between_characters(void)
{
    const char *s = "aä→𝄞z";

    for (size_t width = 0; width <= 6; width++) {
        char cut[16] = "";

        memcpy(cut, s, human_prefix(s, width));
        CHECK(human_is_utf8(cut));
        CHECK(human_width(cut) == (width < 5 ? width : 5));
    }
}

static const char *nearest_of(const char *word)
{
    static const char *const known[] = {"scan", "entropy", "threads", "eod", "eod-first", "vocabulary"};
    struct nearest n;

    nearest_init(&n, word, strlen(word));
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        nearest_offer(&n, known[i]);
    return n.best ? n.best : "";
}

static void near_words_are_found(void)
{
    CHECK_STR(nearest_of("sacn"), "scan");
    CHECK_STR(nearest_of("scans"), "scan");
    CHECK_STR(nearest_of("treads"), "threads");
    CHECK_STR(nearest_of("vocab"), "vocabulary");
    CHECK_STR(nearest_of("eof"), "eod");
    CHECK_STR(nearest_of("eod_first"), "eod-first");
    CHECK_STR(nearest_of("xyz"), "");
    CHECK_STR(nearest_of(""), "");
    CHECK_STR(nearest_of("a-word-that-is-longer-than-all-known-words-are"), "");
}

int main(void)
{
    RUN(grouped_numbers_have_three_digits_a_group);
    RUN(short_numbers_have_three_digits);
    RUN(durations_carry);
    RUN(printable_text_keeps_utf8_and_nothing_else);
    RUN(any_bytes_become_printable);
    RUN(prefixes_end_between_characters);
    RUN(near_words_are_found);
    return test_summary();
}
