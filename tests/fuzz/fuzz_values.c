/* fuzz_values.c - any text as the value of an option: what is accepted is within its bounds, and read the same again */
#include "../../src/cli/opt.h"
#include "input.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* A number in digits reads as itself. */
static void check_again(opt_parser *parse, const struct opt *o, uint64_t n)
{
    char digits[32];
    uint64_t again = 0;

    snprintf(digits, sizeof(digits), "%" PRIu64, n);
    require(parse(o, digits, &again, NULL) == EMX_OK && again == n, "a number reads as itself");
}

static void check_whole(opt_parser *parse, const char *text)
{
    static const struct opt o = {.min = 3, .max = INT64_MAX};
    struct emx_error err = {.message = ""};
    uint64_t n = 0;

    if (parse(&o, text, &n, &err) != EMX_OK) {
        require(err.status == EMX_ERR_ARG && err.message[0], "a refusal has a sentence");
        return;
    }
    require(n >= 3 && n <= INT64_MAX, "within its bounds");
    check_again(parse, &o, n);
}

static void check_reals(const char *text)
{
    double x = 0;

    require(opt_real(NULL, text, &x, NULL) != EMX_OK || isfinite(x), "reals are finite");
    require(opt_share(NULL, text, &x, NULL) != EMX_OK || (x >= 0 && x <= 1), "shares are from 0 to 1");
    require(opt_inner(NULL, text, &x, NULL) != EMX_OK || (x > 0 && x < 1), "inner ones between 0 and 1");
    require(opt_positive(NULL, text, &x, NULL) != EMX_OK || (x > 0 && isfinite(x)), "positive ones above 0");
    require(opt_amount(NULL, text, &x, NULL) != EMX_OK || (x > 0 && isfinite(x)), "amounts above 0");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct opt small = {.min = 1, .max = 4096};
    char text[300];
    size_t n = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
    uint32_t narrow = 0;

    if (n)
        memcpy(text, data, n);
    text[n] = '\0';
    check_whole(opt_tokens, text);
    check_whole(opt_memory, text);
    check_reals(text);
    require(opt_u32(&small, text, &narrow, NULL) != EMX_OK || (narrow >= 1 && narrow <= 4096), "within its bounds");
    return 0;
}
