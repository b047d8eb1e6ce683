#include "monitors.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "os/thread.h"
#include "support/check.h"

static atomic_uint mistakes; /* on whatever thread */
static atomic_int there;     /* monitors */
static _Thread_local bool inside;

static void expect_inside(bool expected)
{
    if (inside != expected)
        atomic_fetch_add(&mistakes, 1);
}

void monitors_expect_outside(void)
{
    expect_inside(false);
}

void monitors_expect_sound(void)
{
    expect_inside(false);
    assert_int_equal(there, 0);
    assert_int_equal(mistakes, 0);
}

struct act_os_monitor *__real_act_os_monitor_new(void);
void __real_act_os_monitor_free(struct act_os_monitor *monitor);
void __real_act_os_monitor_enter(struct act_os_monitor *monitor);
void __real_act_os_monitor_leave(struct act_os_monitor *monitor);
void __real_act_os_monitor_wait(struct act_os_monitor *monitor);
void __real_act_os_monitor_wake(struct act_os_monitor *monitor);
struct act_os_monitor *__wrap_act_os_monitor_new(void);
void __wrap_act_os_monitor_free(struct act_os_monitor *monitor);
void __wrap_act_os_monitor_enter(struct act_os_monitor *monitor);
void __wrap_act_os_monitor_leave(struct act_os_monitor *monitor);
void __wrap_act_os_monitor_wait(struct act_os_monitor *monitor);
void __wrap_act_os_monitor_wake(struct act_os_monitor *monitor);

struct act_os_monitor *__wrap_act_os_monitor_new(void)
{
    struct act_os_monitor *monitor = __real_act_os_monitor_new();
    atomic_fetch_add(&there, monitor != NULL);
    return monitor;
}

void __wrap_act_os_monitor_free(struct act_os_monitor *monitor)
{
    expect_inside(false);
    atomic_fetch_sub(&there, monitor != NULL);
    __real_act_os_monitor_free(monitor);
}

void __wrap_act_os_monitor_enter(struct act_os_monitor *monitor)
{
    expect_inside(false);
    __real_act_os_monitor_enter(monitor);
    inside = true;
}

void __wrap_act_os_monitor_leave(struct act_os_monitor *monitor)
{
    expect_inside(true);
    inside = false;
    __real_act_os_monitor_leave(monitor);
}

void __wrap_act_os_monitor_wait(struct act_os_monitor *monitor)
{
    expect_inside(true);
    __real_act_os_monitor_wait(monitor);
}

void __wrap_act_os_monitor_wake(struct act_os_monitor *monitor)
{
    expect_inside(true);
    __real_act_os_monitor_wake(monitor);
}
