/* Automatic messages, kept by TikTok per account and type (auto.c; messaging 2.8). */
#ifndef SIM_AUTO_H
#define SIM_AUTO_H
#include "sim.h"

extern const char *const auto_names[AUTO_KINDS]; /* "WELCOME_MESSAGE" ... */
/* The customer opened the thread with a first message: the welcome message goes out, if one is on. */
void auto_welcome(struct sim *s, struct thread *t);
#endif
