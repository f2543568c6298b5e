/*
 * Relacy, with corrections to its memory model; see README.md.
 */
#ifndef TESTS_RELACY_CORRECTED_H
#define TESTS_RELACY_CORRECTED_H

#define RL_DO_ASSERT 1
#include <relacy/relacy.hpp>
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno
#undef memory_order_relaxed
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst

namespace rl
{

/* The next relaxed load is made by the kernel. */
inline bool is_kernel_load;

/* fenced[loader][storer]: the storer's last store before a fence that precedes
 * the loader's last fence. The loader sees that store or a later one. */
inline timestamp_t fenced[8][8];

/*
 * Chooses the store that a load sees. This is relacy's code with two changes. A
 * rule is added that relacy lacks (C11, 7.17.3 p. 10; C++20, atomics.order p.
 * 4): a sequentially consistent load sees what was stored before a sequentially
 * consistent fence that precedes it; relacy wants a fence on both sides. And a
 * rule of relacy is removed, by which a thread that has slept sees more than
 * before: the kernel may promise that, but C11 does not.
 */
template <thread_id_t n>
unsigned seen_by(thread_info<n> &me, atomic_data_impl<n> &at, bool is_seq)
{
    context &c = ctx();
    unsigned index = at.current_index_;
    for (size_t i = 0; i != atomic_history_size - 1; ++i, --index) {
        auto const &it = at.history_[index % atomic_history_size];
        auto const &before = at.history_[(index - 1) % atomic_history_size];
        bool is_last =
            !it.busy_ || !before.busy_ ||
            (is_seq && (it.seq_cst_ || c.seq_cst_fence_order_[it.thread_id_] >=
                                           it.acq_rel_timestamp_)) ||
            me.acq_rel_order_[it.thread_id_] >= it.acq_rel_timestamp_ ||
            fenced[me.index_][it.thread_id_] >= it.acq_rel_timestamp_;
        for (thread_id_t j = 0; j != n && !is_last; ++j) {
            is_last = me.acq_rel_order_[j] >= it.first_seen_order_[j];
        }
        if (is_last || c.rand(2, sched_type_atomic_load) == 0) {
            break;
        }
    }
    return at.history_[index % atomic_history_size].busy_ ? index
                                                          : (unsigned)-1;
}

/* All threads know the first value of a variable; relacy leaves that to
 * chance. */
template <thread_id_t n>
unsigned begin(thread_info<n> &me, atomic_data_impl<n> &at)
{
    unsigned index = ++at.current_index_ % atomic_history_size;
    auto &it = at.history_[index];
    it.busy_ = true;
    it.thread_id_ = me.index_;
    it.seq_cst_ = false;
    it.acq_rel_timestamp_ = 0;
    for (thread_id_t i = 0; i != n; ++i) {
        it.acq_rel_order_[i] = 0;
        it.first_seen_order_[i] = 0;
    }
    return index;
}

/* Two fences order the stores before the first fence and the loads after the
 * second one. Relacy treats them as a release and an acquire, and so would miss
 * races. */
template <thread_id_t n> void fence(thread_info<n> &me, timestamp_t *before)
{
    me.atomic_thread_fence_acquire();
    for (thread_id_t i = 0; i != n; ++i) {
        assign_max(before[i], me.acq_rel_order_[i]);
        fenced[me.index_][i] = before[i];
    }
    me.atomic_thread_fence_release();
}

#define CORRECTED(n)                                                      \
    template <> unsigned thread_info<n>::atomic_init(atomic_data *at)     \
    {                                                                     \
        return begin<n>(*this, *static_cast<atomic_data_impl<n> *>(at));  \
    }                                                                     \
    template <>                                                           \
    void thread_info<n>::atomic_thread_fence_seq_cst(timestamp_t *before) \
    {                                                                     \
        fence<n>(*this, before);                                          \
    }                                                                     \
    template <>                                                           \
    template <>                                                           \
    unsigned thread_info<n>::get_load_index<mo_relaxed, false>(           \
        atomic_data_impl<n> & at)                                         \
    {                                                                     \
        return seen_by<n>(*this, at, is_kernel_load);                     \
    }                                                                     \
    template <>                                                           \
    template <>                                                           \
    unsigned thread_info<n>::get_load_index<mo_acquire, false>(           \
        atomic_data_impl<n> & at)                                         \
    {                                                                     \
        return seen_by<n>(*this, at, false);                              \
    }                                                                     \
    template <>                                                           \
    template <>                                                           \
    unsigned thread_info<n>::get_load_index<mo_seq_cst, false>(           \
        atomic_data_impl<n> & at)                                         \
    {                                                                     \
        return seen_by<n>(*this, at, true);                               \
    }
CORRECTED(3)
CORRECTED(4)

} // namespace rl

#endif
