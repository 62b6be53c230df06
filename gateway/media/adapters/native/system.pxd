"""What the relay asks of Linux and of the compiler: sockets in batches, one clock, one lock, words seen by two threads."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <arpa/inet.h>
    #include <errno.h>
    #include <netinet/in.h>
    #include <poll.h>
    #include <pthread.h>
    #include <sched.h>
    #include <stdint.h>
    #include <string.h>
    #include <sys/eventfd.h>
    #include <sys/prctl.h>
    #include <sys/resource.h>
    #include <sys/socket.h>
    #include <sys/syscall.h>
    #include <time.h>
    #include <unistd.h>

    static inline int64_t relay_now_ns(void) {
        struct timespec at;
        clock_gettime(CLOCK_MONOTONIC, &at);
        return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
    }
    static inline void relay_sleep_ns(int64_t ns) {
        struct timespec length = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
    }
    /* Timers of this thread end within a microsecond of their time, not within fifty. When it wakes it goes before a
       thread that computes, because its slice is short (sched_setattr(2), Linux 6.12); its share stays what it was, so
       that a flood does not take the core from the others. */
    static inline void relay_wake_at_once(void) {
        struct {
            uint32_t size, policy;
            uint64_t flags;
            int32_t nice;
            uint32_t priority;
            uint64_t runtime, deadline, period;
        } wish = {.size = 48, .policy = SCHED_OTHER, .nice = getpriority(PRIO_PROCESS, 0), .runtime = 100000};
        prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
        syscall(SYS_sched_setattr, 0, &wish, 0);
    }
    static inline int relay_errno(void) { return errno; }
    /* One writer, one reader: what was written before a release is seen after the acquire. */
    static inline uint64_t relay_acquire(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
    static inline void relay_release(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }
    static inline uint64_t relay_exchange(uint64_t *word, uint64_t value) { return __atomic_exchange_n(word, value, __ATOMIC_ACQ_REL); }
    static inline void relay_step(uint64_t *word, int64_t by) { __atomic_fetch_add(word, (uint64_t)by, __ATOMIC_ACQ_REL); }
    /* A cell of the counters: Python reads it while the relay writes, and sees the old value or the new. */
    static inline void relay_put(int64_t *cell, int64_t value) { __atomic_store_n(cell, value, __ATOMIC_RELAXED); }
    static inline void relay_add(int64_t *cell, int64_t by) { __atomic_store_n(cell, *cell + by, __ATOMIC_RELAXED); }
    """
    int64_t now_ns "relay_now_ns"() noexcept nogil
    void sleep_ns "relay_sleep_ns"(int64_t ns) noexcept nogil
    void wake_at_once "relay_wake_at_once"() noexcept nogil
    int last_error "relay_errno"() noexcept nogil
    uint64_t acquire "relay_acquire"(const uint64_t *word) noexcept nogil
    void release "relay_release"(uint64_t *word, uint64_t value) noexcept nogil
    uint64_t exchange "relay_exchange"(uint64_t *word, uint64_t value) noexcept nogil
    void step "relay_step"(uint64_t *word, int64_t by) noexcept nogil
    void prefetch "__builtin_prefetch"(const void *memory) noexcept nogil
    void put "relay_put"(int64_t *cell, int64_t value) noexcept nogil
    void add "relay_add"(int64_t *cell, int64_t by) noexcept nogil

    int AF_INET
    int AF_INET6
    int EAGAIN
    int EINTR
    int EBADF
    int ENOTSOCK
    int MSG_DONTWAIT
    int POLLIN
    int EFD_NONBLOCK
    int EFD_CLOEXEC

    cdef struct in_addr:
        uint32_t s_addr
    cdef struct in6_addr:
        uint8_t s6_addr[16]
    cdef struct sockaddr:
        uint16_t sa_family
    cdef struct sockaddr_in:
        uint16_t sin_family
        uint16_t sin_port
        in_addr sin_addr
    cdef struct sockaddr_in6:
        uint16_t sin6_family
        uint16_t sin6_port
        in6_addr sin6_addr
        uint32_t sin6_scope_id
    cdef struct sockaddr_storage:
        uint16_t ss_family
    cdef struct iovec:
        void *iov_base
        size_t iov_len
    cdef struct msghdr:
        void *msg_name
        uint32_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        int msg_flags
    cdef struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    cdef struct pollfd:
        int fd
        short events
        short revents
    ctypedef struct pthread_mutex_t:
        pass

    int recvmmsg(int fd, mmsghdr *messages, unsigned int count, int flags, void *timeout) noexcept nogil
    int sendmmsg(int fd, mmsghdr *messages, unsigned int count, int flags) noexcept nogil
    int poll(pollfd *fds, unsigned long count, int timeout_ms) noexcept nogil
    int eventfd(unsigned int value, int flags) noexcept nogil
    int close(int fd) noexcept nogil
    ssize_t read(int fd, void *data, size_t size) noexcept nogil
    ssize_t write(int fd, const void *data, size_t size) noexcept nogil
    int sched_yield() noexcept nogil
    int pthread_mutex_init(pthread_mutex_t *lock, void *attributes) noexcept nogil
    int pthread_mutex_lock(pthread_mutex_t *lock) noexcept nogil
    int pthread_mutex_unlock(pthread_mutex_t *lock) noexcept nogil
    int pthread_mutex_destroy(pthread_mutex_t *lock) noexcept nogil
