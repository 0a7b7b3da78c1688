/* fuzz_law_file.c - any bytes as a law file and as a mixture file: what is accepted is a law, or a mixture */
#include "input.h"
#include "report/law_read.h"
#include "report/mixture_read.h"

#include <math.h>
#include <string.h>

/* Written and read again it is written the same. */
static void check_law(const struct emx_law *law)
{
    struct emx_law *again = NULL;
    char *text = NULL, *text_again = NULL;

    require(emx_law_check(law, NULL) == EMX_OK, "a law that is read can be fitted");
    require(emx_law_format_json(law, NULL, NULL, &text, NULL) == EMX_OK, "a law that is read can be written");
    require(law_parse("law.json", text, strlen(text), &again, NULL) == EMX_OK, "and read again");
    require(emx_law_format_json(again, NULL, NULL, &text_again, NULL) == EMX_OK, "and written again");
    require(strcmp(text, text_again) == 0, "the same");
    emx_law_destroy(&again);
    free(text);
    free(text_again);
}

static void check_mixture(const char *text, size_t size)
{
    static const char *const domains[] = {"a", "b"};
    double mixture[2];

    if (mixture_parse("mix", text, size, domains, 2, mixture, NULL) == EMX_OK)
        require(mixture[0] >= 0 && mixture[1] >= 0 && fabs(mixture[0] + mixture[1] - 1) < 2e-6, "a mixture sums to 1");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct emx_law *law = NULL;
    struct emx_error err = {.message = ""};
    char *text = malloc(size + 1);
    enum emx_status status;

    require(text != NULL, "memory");
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    status = law_parse("law.json", text, size, &law, &err);
    require((status == EMX_OK) == (law != NULL), "a law or an error");
    require(status == EMX_OK || (err.status == status && strncmp(err.message, "law.json: ", 10) == 0),
            "errors have a name");
    if (law)
        check_law(law);
    emx_law_destroy(&law);
    check_mixture(text, size);
    free(text);
    return 0;
}
