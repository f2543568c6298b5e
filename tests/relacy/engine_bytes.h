/*
 * A part of engine.cc, which includes it: copying bytes that others may
 * overwrite, as atomic words; and threads that are stopped for a while, or die.
 */

void engine_share(const void *at, size_t bytes)
{
    shared[shared_count++] = {(uintptr_t)at, (uintptr_t)at + bytes};
}

void *engine_copy(void *to, const void *from, size_t bytes)
{
    const site place = here;
    bool loads = is_among(shared, shared_count, (uintptr_t)from);
    bool stores = is_among(shared, shared_count, (uintptr_t)to);
    if (!loads && !stores) {
        here = nowhere;
        return memcpy(to, from, bytes);
    }
    if ((loads && (uintptr_t)from % 8 != 0) ||
        (stores && (uintptr_t)to % 8 != 0) || bytes % 8 != 0) {
        fail("engine: a copy of shared memory must consist of aligned words");
    }
    for (size_t i = 0; i < bytes; i += 8) {
        const unsigned char *source = (const unsigned char *)from + i;
        unsigned char *target = (unsigned char *)to + i;
        uint64_t eight;
        here = place;
        if (loads) {
            eight = load<uint64_t>(source, __ATOMIC_RELAXED);
        } else {
            memcpy(&eight, source, sizeof eight);
        }
        here = place;
        if (stores) {
            store<uint64_t>(target, eight, __ATOMIC_RELAXED);
        } else {
            memcpy(target, &eight, sizeof eight);
        }
    }
    here = nowhere;
    return to;
}

void *engine_fill(void *to, int byte, size_t bytes)
{
    const site place = here;
    unsigned char *at = (unsigned char *)to;
    unsigned char *end = at + bytes;
    uint64_t filling;
    memset(&filling, byte, sizeof filling);
    while (at < end) {
        const object *it = lookup((uintptr_t)at);
        bool is_atomic = it->at != 0 && it->plain == NULL;
        unsigned size = is_atomic ? it->bytes : 1;
        here = place;
        if (size == 8) {
            store<uint64_t>(at, filling, __ATOMIC_RELAXED);
        } else if (size == 4) {
            store<uint32_t>(at, (uint32_t)filling, __ATOMIC_RELAXED);
        } else if (size == 2) {
            store<uint16_t>(at, (uint16_t)filling, __ATOMIC_RELAXED);
        } else {
            *at = (unsigned char)byte;
        }
        at += size;
    }
    here = nowhere;
    return to;
}

void engine_stop(unsigned steps)
{
    stop_steps[engine_thread()] = steps;
    is_stopped[engine_thread()] = false;
}

void engine_go_on(unsigned thread)
{
    stop_steps[thread] = 0;
    if (is_stopped[thread]) {
        is_stopped[thread] = false;
        engine_unpark(thread);
    }
}

bool engine_is_stopped(unsigned thread)
{
    return is_stopped[thread];
}

void engine_die(void *to, unsigned steps)
{
    death[engine_thread()] = (jmp_buf *)to;
    death_steps[engine_thread()] = steps;
}

void engine_spare(bool is_now_spared)
{
    is_spared[engine_thread()] = is_now_spared;
}
