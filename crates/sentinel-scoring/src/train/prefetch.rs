//! Asking for memory ahead of its use. Promises to read nothing and to change nothing: it can never show
//! in a result.

/// Asks for the cache line of a value, without waiting for it.
#[inline]
pub(super) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    #[allow(
        unsafe_code,
        reason = "the instruction has no effect but on the cache; without it the rows of a small leaf cost \
                  ten times as much"
    )]
    // SAFETY: a prefetch of any address is harmless; it never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
