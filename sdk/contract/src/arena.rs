//! The module's allocator: a bump arena that is never emptied.
//!
//! An instance serves one call and is dropped, so giving memory back is wasted work: against a
//! general allocator the arena halves the cost of a call. Only the newest block is resized in place
//! or taken back, which covers growing vectors and strings.

use core::{
    alloc::{GlobalAlloc, Layout},
    arch::wasm32,
    cell::UnsafeCell,
    ptr,
};

/// What a call can allocate before the module's memory must grow (which costs fuel per page). Twice
/// the largest transaction: its decoded arguments and what is stored of them fit.
const ARENA_BYTES: usize = 128 * 1024;

/// Size of a WASM page, in bytes.
const PAGE_BYTES: usize = 64 * 1024;

#[repr(C, align(16))]
struct FirstRegion(UnsafeCell<[u8; ARENA_BYTES]>);

// SAFETY: a contract's module has one thread.
unsafe impl Sync for FirstRegion {}

static FIRST: FirstRegion = FirstRegion(UnsafeCell::new([0; ARENA_BYTES]));

/// The free rest of the current region, as addresses; both 0 before the first allocation.
struct Free(UnsafeCell<(usize, usize)>);

// SAFETY: a contract's module has one thread.
unsafe impl Sync for Free {}

static FREE: Free = Free(UnsafeCell::new((0, 0)));

/// The `#[global_allocator]` of a contract's module.
pub struct Arena;

// SAFETY: blocks are disjoint parts of the first region or of grown memory, aligned as asked; a
// block is handed out again only after `dealloc` of the newest one.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and no reference outlives this function.
        let (free, end) = unsafe { &mut *FREE.0.get() };
        if *end == 0 {
            *free = FIRST.0.get() as usize;
            *end = *free + ARENA_BYTES;
        }
        let fitting = block(*free, layout, *end)
            .or_else(|| grow(free, end, layout).then(|| block(*free, layout, *end)).flatten());
        let Some(start) = fitting else {
            return ptr::null_mut();
        };
        *free = start + layout.size();
        start as *mut u8
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: one thread, and no reference outlives this function.
        let (free, _) = unsafe { &mut *FREE.0.get() };
        if start as usize + layout.size() == *free {
            *free = start as usize;
        }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        {
            // SAFETY: one thread, and no reference outlives this block.
            let (free, end) = unsafe { &mut *FREE.0.get() };
            let newest = start as usize + layout.size() == *free;
            if newest && new_size <= *end - start as usize {
                *free = start as usize + new_size;
                return start;
            }
        }
        // SAFETY: the caller's contract: `new_size` is valid for the layout's alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: `GlobalAlloc::realloc`'s contract is that of `alloc` for the new layout.
        let new = unsafe { self.alloc(new_layout) };
        if !new.is_null() {
            // SAFETY: both blocks are valid for the smaller size and disjoint.
            unsafe { ptr::copy_nonoverlapping(start, new, layout.size().min(new_size)) };
        }
        new
    }
}

/// Where a block of this layout starts between `free` and `end`, if it fits.
fn block(free: usize, layout: Layout, end: usize) -> Option<usize> {
    let start = free.checked_next_multiple_of(layout.align())?;
    (layout.size() <= end.checked_sub(start)?).then_some(start)
}

/// Grows memory until a block of this layout fits; the current region continues if it is the last
/// of the memory. False if the limit of the memory is reached.
fn grow(free: &mut usize, end: &mut usize, layout: Layout) -> bool {
    let Some(bytes) = layout.size().checked_add(layout.align()) else {
        return false;
    };
    let pages = bytes.div_ceil(PAGE_BYTES);
    let old_pages = wasm32::memory_grow(0, pages);
    if old_pages == usize::MAX {
        return false;
    }
    let start = old_pages * PAGE_BYTES;
    if start != *end {
        *free = start;
    }
    *end = start + pages * PAGE_BYTES;
    true
}
