//! Blocks of words in a few sizes, handed out and taken back without asking the system.
//!
//! An entity's ring, tiles and sets grow and go; as boxes of their own they would cost an allocation a
//! growth and sixteen bytes an address. Here a block is a number of 32 bits, sizes are one unit doubled
//! again and again, and what is given back serves the next of its size. Storage grows by whole chunks, so
//! nothing is ever moved. Must never: give memory back to the system, or give out what is not zeroed.

/// Words a chunk, or one block where a block is larger: 128 KiB.
const CHUNK_WORDS: usize = 32_768;

/// A block's place within its size; the owner keeps the size beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block(u32);

impl Block {
    /// No block.
    pub const NONE: Self = Self(u32::MAX);
}

/// Blocks of `unit << size` words.
#[derive(Debug)]
pub(crate) struct Arena {
    unit_words: usize,
    sizes: Vec<Size>,
}

#[derive(Debug, Default)]
struct Size {
    /// Words of a block.
    words: usize,
    chunks: Vec<Box<[u32]>>,
    /// Blocks a chunk, as a power of two, and the same less one.
    chunk_shift: u32,
    chunk_mask: u32,
    used: u32,
    free: Vec<u32>,
}

impl Size {
    /// The first word of a block in its chunk.
    #[inline]
    fn place(&self, block: Block) -> usize {
        (block.0 & self.chunk_mask) as usize * self.words
    }

    #[inline]
    fn words_of(&self, block: Block) -> &[u32] {
        let chunk = &self.chunks[(block.0 >> self.chunk_shift) as usize];
        &chunk[self.place(block)..][..self.words]
    }

    #[inline]
    fn words_of_mut(&mut self, block: Block) -> &mut [u32] {
        let (at, words) = (self.place(block), self.words);
        let chunk = &mut self.chunks[(block.0 >> self.chunk_shift) as usize];
        &mut chunk[at..][..words]
    }
}

impl Arena {
    /// An empty arena whose smallest block has `unit_words` words.
    pub fn new(unit_words: usize) -> Self {
        Self {
            unit_words,
            sizes: Vec::new(),
        }
    }

    /// Words of a block.
    pub fn words_of(&self, size: u8) -> usize {
        self.unit_words << size
    }

    /// A block of zeros.
    pub fn allocate(&mut self, size: u8) -> Block {
        let words = self.words_of(size);
        while self.sizes.len() <= usize::from(size) {
            let words = self.unit_words << self.sizes.len();
            let blocks = (CHUNK_WORDS / words.max(1)).max(1);
            self.sizes.push(Size {
                words,
                chunk_shift: blocks.ilog2(),
                chunk_mask: (1 << blocks.ilog2()) - 1,
                ..Size::default()
            });
        }
        let class = &mut self.sizes[usize::from(size)];
        if let Some(block) = class.free.pop() {
            let block = Block(block);
            self.block_mut(block, size).fill(0);
            return block;
        }
        let block = class.used;
        assert!(block < u32::MAX, "fewer than 2^32 blocks of one size");
        if block >> class.chunk_shift == u32::try_from(class.chunks.len()).unwrap_or(u32::MAX) {
            let chunk = vec![0; words << class.chunk_shift];
            class.chunks.push(chunk.into_boxed_slice());
        }
        class.used += 1;
        Block(block)
    }

    /// Takes a block back.
    pub fn free(&mut self, block: Block, size: u8) {
        if block != Block::NONE {
            self.sizes[usize::from(size)].free.push(block.0);
        }
    }

    /// The words of a block.
    #[inline]
    pub fn block(&self, block: Block, size: u8) -> &[u32] {
        self.sizes[usize::from(size)].words_of(block)
    }

    /// The words of a block, to be changed.
    #[inline]
    pub fn block_mut(&mut self, block: Block, size: u8) -> &mut [u32] {
        self.sizes[usize::from(size)].words_of_mut(block)
    }

    /// Asks for every line of a block.
    #[inline]
    pub fn prefetch(&self, block: Block, size: u8) {
        let words = self.block(block, size);
        for line in words.chunks(LINE_WORDS) {
            prefetch(&line[0]);
        }
        // Blocks begin anywhere in a line: the last word may lie in one more.
        prefetch(&words[words.len() - 1]);
    }

    /// Asks for the lines of some words of a block.
    #[inline]
    pub fn prefetch_words<const N: usize>(&self, block: Block, size: u8, ends: [usize; N]) {
        let words = self.block(block, size);
        for at in ends {
            prefetch(&words[at]);
        }
    }

    /// A block of the next size with the words of this one in front; this one is taken back.
    pub fn grow(&mut self, block: Block, size: u8) -> Block {
        self.grow_with(block, size, |held, larger| {
            larger[..held.len()].copy_from_slice(held);
        })
    }

    /// A block of the next size, filled from this one, which is taken back.
    pub fn grow_with(
        &mut self,
        block: Block,
        size: u8,
        fill: impl FnOnce(&[u32], &mut [u32]),
    ) -> Block {
        let larger = self.allocate(size + 1);
        if block != Block::NONE {
            let (held, room) = self.sizes.split_at_mut(usize::from(size) + 1);
            fill(
                held[usize::from(size)].words_of(block),
                room[0].words_of_mut(larger),
            );
            self.free(block, size);
        }
        larger
    }

    /// Bytes held, used or not.
    pub fn bytes(&self) -> usize {
        self.sizes
            .iter()
            .map(|size| {
                let words: usize = size.chunks.iter().map(|chunk| chunk.len()).sum();
                words * 4 + size.free.capacity() * 4
            })
            .sum()
    }
}

/// Bytes and words of a cache line.
const LINE_BYTES: usize = 64;
pub(crate) const LINE_WORDS: usize = LINE_BYTES / 4;

/// Asks for the cache line of a value, without waiting for it.
#[inline]
pub(crate) fn prefetch<T>(value: &T) {
    prefetch_address(std::ptr::from_ref(value).cast());
}

/// Asks for a cache line. Reads nothing and changes nothing: it cannot show in an answer.
#[inline]
fn prefetch_address(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    #[allow(
        unsafe_code,
        reason = "the instruction has no effect but on the cache; see ADR 0012"
    )]
    // SAFETY: a prefetch of any address is harmless; it never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Asks for every cache line of a value.
#[inline]
pub(crate) fn prefetch_all<T>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<u8>();
    // A plain loop over numbers that the compiler knows: one instruction a line is left of it.
    let mut offset = 0;
    while offset < size_of::<T>() {
        prefetch_address(start.wrapping_add(offset));
        offset += LINE_BYTES;
    }
    if align_of::<T>() < LINE_BYTES.min(size_of::<T>()) {
        prefetch_address(start.wrapping_add(size_of::<T>() - 1));
    }
}

/// A whole number in two words.
#[inline]
pub(crate) fn read_i64(words: &[u32], at: usize) -> i64 {
    let pair = &words[at..at + 2];
    (u64::from(pair[0]) | u64::from(pair[1]) << 32).cast_signed()
}

/// Writes a whole number into two words.
#[inline]
pub(crate) fn write_i64(words: &mut [u32], at: usize, value: i64) {
    let value = value.cast_unsigned();
    let pair = &mut words[at..at + 2];
    pair[0] = low(value);
    pair[1] = low(value >> 32);
}

/// A sum of squares in four words.
#[inline]
pub(crate) fn read_u128(words: &[u32], at: usize) -> u128 {
    let low = read_i64(words, at).cast_unsigned();
    let high = read_i64(words, at + 2).cast_unsigned();
    u128::from(low) | u128::from(high) << 64
}

/// Writes a sum of squares into four words.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the halves are what is wanted"
)]
pub(crate) fn write_u128(words: &mut [u32], at: usize, value: u128) {
    write_i64(words, at, (value as u64).cast_signed());
    write_i64(words, at + 2, ((value >> 64) as u64).cast_signed());
}

/// The lower half.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the lower half is what is wanted"
)]
pub(crate) const fn low(value: u64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_came_back_is_given_out_zeroed() {
        let mut arena = Arena::new(3);
        let first = arena.allocate(1);
        arena.block_mut(first, 1).fill(7);
        arena.free(first, 1);
        let second = arena.allocate(1);
        assert_eq!(second, first);
        assert_eq!(arena.block(second, 1), &[0; 6]);
    }

    #[test]
    fn blocks_do_not_overlap_and_keep_their_words_as_they_grow() {
        let mut arena = Arena::new(5);
        let mut blocks: Vec<(Block, u8, u32)> = (0..20_000)
            .map(|number| (arena.allocate(0), 0, number))
            .collect();
        for (block, size, number) in &blocks {
            arena.block_mut(*block, *size).fill(*number);
        }
        for (block, size, number) in &mut blocks {
            for _ in 0..*number % 5 {
                *block = arena.grow(*block, *size);
                *size += 1;
            }
        }
        for (block, size, number) in &blocks {
            assert_eq!(arena.block(*block, *size).len(), 5 << size);
            assert_eq!(arena.block(*block, *size)[..5], [*number; 5]);
        }
    }

    #[test]
    fn numbers_of_several_words_come_back_as_they_went() {
        let mut words = [0; 4];
        for value in [0, 1, -1, i64::MIN, i64::MAX] {
            write_i64(&mut words, 1, value);
            assert_eq!(read_i64(&words, 1), value);
        }
        for value in [0, u128::MAX, 1 << 64, u128::from(u64::MAX)] {
            write_u128(&mut words, 0, value);
            assert_eq!(read_u128(&words, 0), value);
        }
    }
}
