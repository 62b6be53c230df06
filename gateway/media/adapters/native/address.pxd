"""Where datagrams come from and go to, and the table that finds a leg by it.

Open addressing with linear probing, at most half full; nothing but authenticated checks
enters an address, and the seed keeps strangers from choosing where they fall.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from gateway.media.adapters.native.system cimport AF_INET6, sockaddr_in, sockaddr_in6, sockaddr_storage

cdef struct Address:
    uint16_t family
    uint16_t port      # network order, as in the socket's own structures
    uint32_t scope     # of a link-local address, 0 otherwise
    uint8_t host[16]   # an IPv4 address fills the first four

cdef enum:
    PLACES = 16384     # a power of two, over twice two addresses for each leg

cdef struct Place:
    Address address
    uint32_t row       # of the leg, 0 for a free place

cdef struct Table:
    uint64_t seed
    Place places[PLACES]

cdef inline void read_address(const sockaddr_storage *name, Address *address) noexcept nogil:
    cdef const sockaddr_in6 *six = <const sockaddr_in6 *>name
    cdef const sockaddr_in *four = <const sockaddr_in *>name
    memset(address, 0, sizeof(Address))
    address.family = name.ss_family
    if name.ss_family == AF_INET6:
        address.port = six.sin6_port
        address.scope = six.sin6_scope_id
        memcpy(address.host, &six.sin6_addr, 16)
    else:
        address.port = four.sin_port
        memcpy(address.host, &four.sin_addr, 4)

cdef inline uint32_t write_address(const Address *address, sockaddr_storage *name) noexcept nogil:
    """Fill in the kernel's structure; its length."""
    cdef sockaddr_in6 *six = <sockaddr_in6 *>name
    cdef sockaddr_in *four = <sockaddr_in *>name
    memset(name, 0, sizeof(sockaddr_storage))
    name.ss_family = address.family
    if address.family == AF_INET6:
        six.sin6_port = address.port
        six.sin6_scope_id = address.scope
        memcpy(&six.sin6_addr, address.host, 16)
        return sizeof(sockaddr_in6)
    four.sin_port = address.port
    memcpy(&four.sin_addr, address.host, 4)
    return sizeof(sockaddr_in)

cdef inline bint is_same(const Address *one, const Address *other) noexcept nogil:
    return memcmp(one, other, sizeof(Address)) == 0

cdef inline uint32_t home_of(const Table *table, const Address *address) noexcept nogil:
    cdef uint64_t words[3]
    cdef uint64_t mixed = table.seed
    cdef int each
    memcpy(words, address, sizeof(Address))
    for each in range(3):
        mixed = (mixed ^ words[each]) * <uint64_t>0x9E3779B97F4A7C15
        mixed ^= mixed >> 29
    return <uint32_t>(mixed >> 32) & (PLACES - 1)

cdef inline uint32_t place_of(const Table *table, const Address *address) noexcept nogil:
    """Where the address stands, or the free place where it would."""
    cdef uint32_t at = home_of(table, address)
    while table.places[at].row and not is_same(&table.places[at].address, address):
        at = (at + 1) & (PLACES - 1)
    return at

cdef inline uint32_t row_at(const Table *table, const Address *address) noexcept nogil:
    """The row of the leg that holds the address, 0 for nobody's."""
    return table.places[place_of(table, address)].row

cdef inline void enter(Table *table, const Address *address, uint32_t row) noexcept nogil:
    cdef Place *place = &table.places[place_of(table, address)]
    place.address = address[0]
    place.row = row

cdef inline void strike(Table *table, const Address *address) noexcept nogil:
    """Forget the address; those that were pushed on by it move back."""
    cdef uint32_t hole = place_of(table, address)
    cdef uint32_t at = hole
    cdef uint32_t home
    if not table.places[hole].row:
        return
    while True:
        table.places[hole].row = 0
        while True:
            at = (at + 1) & (PLACES - 1)
            if not table.places[at].row:
                return
            home = home_of(table, &table.places[at].address)
            # It stays where its home lies between the hole and itself, seen around the circle.
            if ((at - home) & (PLACES - 1)) >= ((at - hole) & (PLACES - 1)):
                break
        table.places[hole] = table.places[at]
        hole = at
