/* How many rows and how long texts the simulated world has room for. Included by model.h. */
#ifndef SIM_BOUNDS_H
#define SIM_BOUNDS_H

enum {
    MAX_APPS = 64,
    MAX_USERS = 16384,
    MAX_SHOPS = 64,
    MAX_CUSTOMERS = 512,
    MAX_ADVERTISERS = 512,
    MAX_GRANTS = 32768,
    MAX_CODES = 4096,
    MAX_TOKENS = 65536,
    MAX_QR = 256,
    MAX_MESSAGES = 65536,
    MAX_THREADS = MAX_SHOPS * MAX_CUSTOMERS,
    MAX_MEDIA = 1024,
    MAX_COMMENTS = 8192,
    MAX_URIS = 10,
    URI_SIZE = 512,
    TOKEN_SIZE = 96,
    ID_SIZE = 72
};
#endif
