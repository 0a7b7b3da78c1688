/*
 * commands.h - the commands, each in its own cmd_NAME.c
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "opt.h"

extern const struct command scan_command, info_command, entropy_command, weights_command, merge_command;
extern const struct command compare_command;
extern const struct command fit_command, evaluate_command, predict_command, optimize_command, plan_command, mix_command;
extern const struct command vne_command;

#endif
