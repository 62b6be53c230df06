"""What the crowd asks of Linux beyond the relay's list: a socket of many addresses, and a thread that only fills gaps."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

from gateway.media.adapters.native.system cimport msghdr

cdef enum:
    CONTROL_BYTES = 64         # more than a control message of an address takes

cdef extern from *:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <netinet/in.h>
    #include <sched.h>
    #include <stdint.h>
    #include <string.h>
    #include <sys/socket.h>
    #include <time.h>

    #define CROWD_CONTROL_BYTES CMSG_SPACE(sizeof(struct in_pktinfo))

    /* ip(7), IP_PKTINFO: which of our addresses a datagram leaves from, and which it came to. */
    static inline void crowd_from(struct msghdr *message, void *control, uint32_t source) {
        struct cmsghdr *head = control;
        struct in_pktinfo info = {.ipi_spec_dst = {.s_addr = source}};
        memset(control, 0, CROWD_CONTROL_BYTES);
        head->cmsg_len = CMSG_LEN(sizeof(info));
        head->cmsg_level = IPPROTO_IP;
        head->cmsg_type = IP_PKTINFO;
        memcpy(CMSG_DATA(head), &info, sizeof(info));
        message->msg_control = control;
        message->msg_controllen = CROWD_CONTROL_BYTES;
    }
    static inline uint32_t crowd_to(struct msghdr *message) {
        struct cmsghdr *head = CMSG_FIRSTHDR(message);
        struct in_pktinfo info;
        if (!head || head->cmsg_level != IPPROTO_IP || head->cmsg_type != IP_PKTINFO) return 0;
        memcpy(&info, CMSG_DATA(head), sizeof(info));
        return info.ipi_addr.s_addr;
    }
    static inline void crowd_listen(struct msghdr *message, void *control) {
        message->msg_control = control;
        message->msg_controllen = CROWD_CONTROL_BYTES;
    }
    /* sched(7): this thread runs only where nothing else would. */
    static inline void crowd_give_way(void) {
        struct sched_param none = {0};
        sched_setscheduler(0, SCHED_IDLE, &none);
    }
    static inline uint64_t crowd_thread_ns(void) {
        struct timespec spent;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
        return (uint64_t)spent.tv_sec * 1000000000 + spent.tv_nsec;
    }
    static inline void crowd_pause(void) {
    #if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
    #endif
    }
    """
    int64_t NEVER "INT64_MAX"
    void leave_from "crowd_from"(msghdr *message, void *control, uint32_t source) noexcept nogil
    uint32_t came_to "crowd_to"(msghdr *message) noexcept nogil
    void listen_with "crowd_listen"(msghdr *message, void *control) noexcept nogil
    void give_way "crowd_give_way"() noexcept nogil
    uint64_t thread_ns "crowd_thread_ns"() noexcept nogil
    void breathe "crowd_pause"() noexcept nogil
