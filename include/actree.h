#ifndef ACTREE_H
#define ACTREE_H

#ifdef __cplusplus
extern "C" {
#endif

#define ACT_API __attribute__((visibility("default")))

/* The version of the library that is running, e.g. "0.1.0". */
ACT_API const char *act_version(void);

#ifdef __cplusplus
}
#endif

#endif
