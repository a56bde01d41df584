/* Makes writes and syncs of selected files fail, and sets the clock.
 *
 * Preloaded into a process (LD_PRELOAD), it overrides functions of the C library. A small control file, which the
 * test writes and this maps, selects the calls that fail and counts them. All other calls go to the kernel unchanged. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* The same layout as in control.rs. */
struct control {
    volatile int32_t write_errno; /* 0: writes succeed */
    volatile int32_t sync_errno;  /* 0: syncs succeed */
    volatile int32_t left;        /* remaining failures; negative: unlimited */
    volatile int32_t clock_offset; /* seconds */
    volatile int64_t failed_writes;
    volatile int64_t failed_syncs;
    char part[256]; /* of the paths of the selected files */
};

static struct control *control;

__attribute__((constructor)) static void start(void) {
    const char *name = getenv("TEST_FAULTS_CONTROL");
    if (name == NULL)
        return;
    int fd = open(name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED)
        control = mapped;
    syscall(SYS_close, fd);
}

static int is_concerned(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, control->part) != NULL;
}

/* Whether this call must fail; sets errno if so. */
static int fails(int fd, volatile int32_t *error, volatile int64_t *count) {
    if (*error == 0 || !is_concerned(fd))
        return 0;
    if (control->left >= 0 && __sync_fetch_and_sub(&control->left, 1) <= 0) {
        __sync_fetch_and_add(&control->left, 1);
        return 0;
    }
    __sync_fetch_and_add(count, 1);
    errno = *error;
    return 1;
}

/* Also counts calls that fail because the disk is really full or faulty. */
static ssize_t counted(ssize_t done, volatile int64_t *count) {
    if (done < 0 && (errno == ENOSPC || errno == EIO))
        __sync_fetch_and_add(count, 1);
    return done;
}

#define AT(field) (control == NULL ? NULL : &control->field)

static ssize_t failing(int fd, volatile int32_t *error, volatile int64_t *count, long number,
                       const void *bytes, size_t length, off64_t at) {
    if (control == NULL)
        return syscall(number, fd, bytes, length, at);
    if (fails(fd, error, count))
        return -1;
    return counted(syscall(number, fd, bytes, length, at), count);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    return failing(fd, AT(write_errno), AT(failed_writes), SYS_write, bytes, length, 0);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    return failing(fd, AT(write_errno), AT(failed_writes), SYS_pwrite64, bytes, length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    return failing(fd, AT(write_errno), AT(failed_writes), SYS_pwrite64, bytes, length, at);
}

int fsync(int fd) {
    return (int)failing(fd, AT(sync_errno), AT(failed_syncs), SYS_fsync, NULL, 0, 0);
}

int fdatasync(int fd) {
    return (int)failing(fd, AT(sync_errno), AT(failed_syncs), SYS_fdatasync, NULL, 0, 0);
}

/* Only the wall clock is changed, not the monotonic clock. */
int clock_gettime(clockid_t clock, struct timespec *time) {
    long done = syscall(SYS_clock_gettime, clock, time);
    if (done == 0 && clock == CLOCK_REALTIME && control != NULL)
        time->tv_sec += control->clock_offset;
    return (int)done;
}
