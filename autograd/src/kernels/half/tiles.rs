//! Blocks of 32 × 32 sums, by Intel's Advanced Matrix Extensions (AMX).
//!
//! A tile register holds 16 rows of 64 bytes. `tdpbf16ps` adds to a tile of 16 × 16 sums the products of a left tile, 16
//! rows of 16 pairs of bfloat16 numbers, and a right tile, 16 pairs in rows and 16 columns. Two left and two right tiles
//! at a time make four tiles of sums. The compiler has no stable intrinsics for this: the instructions are written out.

#![allow(unsafe_code, reason = "matrix instructions")]

use std::sync::OnceLock;

/// Rows and columns of a block of sums.
pub(super) const BLOCK: usize = 32;
/// Terms of each sum that a pair of tiles adds.
pub(super) const DEPTH: usize = 32;
/// Rows of a tile, and numbers of 32 bits in each.
pub(super) const TILE: usize = 16;

/// Whether this machine has matrix units, and the operating system lets this program use them. Asked once.
pub(super) fn are_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(ask)
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn ask() -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count};
    /// The bits of AMX-BF16 and of AMX-TILE in what leaf 7 of `cpuid` returns.
    const BITS: u32 = 1 << 22 | 1 << 24;
    /// Asks Linux for the use of a part of the processor's state, and the number of that part for tiles.
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    #[allow(unused_unsafe, reason = "older compilers call it unsafe")]
    // SAFETY: every processor of this architecture has the instruction.
    let has_tiles = unsafe { __cpuid(0).eax >= 7 && __cpuid_count(7, 0).edx & BITS == BITS };
    if !has_tiles || !is_x86_feature_detected!("avx512bw") {
        return false;
    }
    // SAFETY: the call reads and writes no memory of this program.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn ask() -> bool {
    false
}

/// Tiles that this thread may use until the value is dropped.
pub(super) struct Tiles(());

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
impl Tiles {
    /// Sets up this thread's tiles: eight of 16 rows of 64 bytes.
    ///
    /// # Panics
    /// If the machine has none.
    pub(super) fn new() -> Self {
        #[repr(C, align(64))]
        struct Config([u8; 64]);
        assert!(are_there(), "half precision: the machine has no matrix units");
        let mut config = Config([0; 64]);
        config.0[0] = 1;
        for tile in 0..8 {
            config.0[16 + 2 * tile] = 64;
            config.0[48 + tile] = TILE as u8;
        }
        // SAFETY: the machine has the instruction, and `config` is 64 bytes of palette 1, with tiles no larger than
        // it allows.
        unsafe {
            std::arch::asm!("ldtilecfg [{config}]", config = in(reg) &raw const config, options(nostack, readonly));
        }
        Self(())
    }

    /// Sets a block of sums, 32 rows `pitch` elements apart: `c = Σ left[q]·right[offsets[q]]`, or where `keep` adds that
    /// to it.
    ///
    /// `left` has for each q the two tiles of 16 rows each, one after the other. `right` is read in rows of 16 numbers,
    /// `right_row` numbers apart: from `offset` on the first tile, and from `offset + second` on the other.
    ///
    /// # Safety
    /// `left` is valid for reading `512 · offsets.len()` numbers. From each offset, and from each offset plus `second`,
    /// `right` is valid for reading 16 rows of 16 numbers. `c` is valid for writing 32 rows of 32 elements, which
    /// nothing else accesses meanwhile; where `keep`, also for reading.
    #[expect(clippy::unused_self, reason = "proof that tiles are set up")]
    pub(super) unsafe fn block(
        &self,
        left: *const u32,
        (right, right_row, second): (*const u32, usize, usize),
        offsets: &[usize],
        (c, pitch): (*mut f32, usize),
        keep: bool,
    ) {
        if offsets.is_empty() && !keep {
            for row in 0..BLOCK {
                // SAFETY: the caller vouches for `c`.
                unsafe { c.add(row * pitch).write_bytes(0, BLOCK) };
            }
        }
        if offsets.is_empty() {
            return;
        }
        // SAFETY: tiles are set up for as long as `self` lives. Every load and store is one that the caller vouches for.
        unsafe {
            std::arch::asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "test {keep}, {keep}",
                "jz 2f",
                "mov {at}, {pitch}",
                "shl {at}, 4",
                "add {at}, {c}",
                "tileloadd tmm0, [{c} + {pitch}*1]",
                "tileloadd tmm1, [{c} + {pitch}*1 + 64]",
                "tileloadd tmm2, [{at} + {pitch}*1]",
                "tileloadd tmm3, [{at} + {pitch}*1 + 64]",
                "2:",
                "mov {at}, qword ptr [{offsets}]",
                "lea {at}, [{right} + 4*{at}]",
                "tileloadd tmm6, [{at} + {right_row}*1]",
                "tileloadd tmm4, [{left} + {left_row}*1]",
                "lea {at}, [{at} + 4*{second}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{at} + {right_row}*1]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{left} + {left_row}*1 + 1024]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {left}, 2048",
                "add {offsets}, 8",
                "dec {count}",
                "jnz 2b",
                "tilestored [{c} + {pitch}*1], tmm0",
                "tilestored [{c} + {pitch}*1 + 64], tmm1",
                "mov {at}, {pitch}",
                "shl {at}, 4",
                "add {c}, {at}",
                "tilestored [{c} + {pitch}*1], tmm2",
                "tilestored [{c} + {pitch}*1 + 64], tmm3",
                at = out(reg) _,
                keep = in(reg) usize::from(keep),
                left = inout(reg) left => _,
                left_row = in(reg) 64usize,
                right = in(reg) right,
                right_row = in(reg) 4 * right_row,
                second = in(reg) second,
                offsets = inout(reg) offsets.as_ptr() => _,
                count = inout(reg) offsets.len() => _,
                c = inout(reg) c => _,
                pitch = in(reg) 4 * pitch,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: the machine has the instruction: tiles were set up.
        unsafe { std::arch::asm!("tilerelease", options(nostack, nomem)) };
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
impl Tiles {
    pub(super) fn new() -> Self {
        unreachable!("half precision: the machine has no matrix units")
    }

    #[expect(clippy::unused_self, reason = "as above")]
    pub(super) unsafe fn block(
        &self,
        _: *const u32,
        _: (*const u32, usize, usize),
        _: &[usize],
        _: (*mut f32, usize),
        _: bool,
    ) {
        unreachable!("half precision: the machine has no matrix units")
    }
}
