/* What this machine offers, each always 0 or 1: the one place that asks the compiler. */
#ifndef ACT_BASE_CONFIG_H
#define ACT_BASE_CONFIG_H

/* Defining ACT_PORTABLE as 1 turns off everything but standard C, for testing it. */
#ifndef ACT_PORTABLE
#define ACT_PORTABLE 0
#endif

/* 1 where buffers and tables of builders and readers are as small as they may be, so that short
 * inputs fill them: for fuzzing. Files and answers are the same. */
#ifndef ACT_SMALL_BUFFERS
#define ACT_SMALL_BUFFERS 0
#endif

/* 1 where branches are counted, not timed; the build says so. */
#ifndef ACT_COVERAGE
#define ACT_COVERAGE 0
#endif

#if defined(__SSE2__) && !ACT_PORTABLE
#define ACT_USE_SSE2 1
#else
#define ACT_USE_SSE2 0
#endif

#if defined(__aarch64__) && defined(__ARM_NEON) && !ACT_PORTABLE
#define ACT_USE_NEON 1
#else
#define ACT_USE_NEON 0
#endif

/* x86-64 with a compiler that builds one function for a newer processor than the rest. */
#if defined(__x86_64__) && defined(__GNUC__) && !ACT_PORTABLE
#define ACT_USE_X86 1
#else
#define ACT_USE_X86 0
#endif

/* A processor that never lets a load overtake an earlier one. */
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__) && !ACT_PORTABLE
#define ACT_USE_ORDERED_LOADS 1
#else
#define ACT_USE_ORDERED_LOADS 0
#endif

/* 1 where ThreadSanitizer watches, GCC's or clang's. */
#if defined(__SANITIZE_THREAD__)
#define ACT_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ACT_THREAD_SANITIZER 1
#endif
#endif
#ifndef ACT_THREAD_SANITIZER
#define ACT_THREAD_SANITIZER 0
#endif

/* Whether strerror, which need not be fit for threads, has a variant that is. */
#if defined(_WIN32)
#define ACT_USE_STRERROR_R 0
#else
#define ACT_USE_STRERROR_R 1
#endif

#endif
