/* Compiler hints, empty where a compiler has none. */
#ifndef ACT_BASE_ATTRIBUTES_H
#define ACT_BASE_ATTRIBUTES_H

#include "base/config.h"

#if defined(__GNUC__)
#define ACT_LIKELY(x)   __builtin_expect(!!(x), 1)
#define ACT_UNLIKELY(x) __builtin_expect(!!(x), 0)
#if ACT_COVERAGE
#define ACT_ALWAYS_INLINE inline /* gcov counts the branches of each copy by themselves */
#else
#define ACT_ALWAYS_INLINE inline __attribute__((always_inline))
#endif
#define ACT_NOINLINE    __attribute__((noinline))
#define ACT_COLD        __attribute__((noinline, cold))
#define ACT_PREFETCH(p) __builtin_prefetch(p)
/* Of the two that MinGW has, the C library's own and the standard's, this project uses the latter.
 */
#if defined(__MINGW32__) && !defined(__clang__)
#define ACT_PRINTF(fmt, first) __attribute__((format(gnu_printf, fmt, first)))
#else
#define ACT_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#endif
/* Hides where an integer comes from, so that arithmetic with it is not turned into a branch. */
#define ACT_OPAQUE(x) __asm__("" : "+r"(x))
/* All loads before it come before those after it. */
#if ACT_USE_ORDERED_LOADS
#define ACT_LOADS_DONE() __asm__ volatile("" ::: "memory")
#else
#define ACT_LOADS_DONE() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#endif
#else
#define ACT_LIKELY(x)     (x)
#define ACT_UNLIKELY(x)   (x)
#define ACT_ALWAYS_INLINE inline
#define ACT_NOINLINE
#define ACT_COLD
#define ACT_PREFETCH(p) ((void)(p))
#define ACT_PRINTF(fmt, first)
#define ACT_OPAQUE(x)    ((void)(x))
#define ACT_LOADS_DONE() atomic_thread_fence(memory_order_acquire) /* of stdatomic.h */
#endif

#endif
