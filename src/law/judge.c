#include <emx/law.h>
enum emx_status emx_law_predict(const struct emx_law *law, const double *mixture, double step, double level,
                                struct emx_law_prediction *ret, struct emx_error *err)
{
    (void)law, (void)mixture, (void)step, (void)level, (void)ret;
    return emx_fail(err, EMX_ERR_ARG, "not there yet");
}
enum emx_status emx_law_leverage(const struct emx_law *law, const double *mixture, double step,
                                 struct emx_law_leverage *ret, struct emx_error *err)
{
    (void)law, (void)mixture, (void)step, (void)ret;
    return emx_fail(err, EMX_ERR_ARG, "not there yet");
}
const char *emx_law_verdict_text(enum emx_law_verdict verdict)
{
    return verdict ? "far" : "within";
}
const char *emx_law_predictor_name(enum emx_law_predictor predictor)
{
    return predictor ? "baseline" : "law";
}
enum emx_status emx_law_judge(const struct emx_observations *o, const struct emx_law_judge_options *options,
                              struct emx_law_judgement **ret, struct emx_error *err)
{
    (void)o, (void)options, (void)ret;
    return emx_fail(err, EMX_ERR_ARG, "not there yet");
}
void emx_law_judgement_destroy(struct emx_law_judgement **j)
{
    (void)j;
}
