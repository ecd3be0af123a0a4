//! The metered stack: how deep calls within a contract may nest, independent of the machine.
//!
//! How much native stack a function takes is the compiler's affair and differs between machines and
//! versions, so the native limit must never decide an outcome. Every function is therefore
//! rewritten at admission to
//!
//! ```text
//! stack += frame          ;; a global of the module, exported as `precinto_stack`
//! if stack > STACK_BYTES { unreachable }
//! block (the body; `return` becomes a branch to this block's end) end
//! stack -= frame
//! ```
//!
//! where `frame` is [`frame_bytes`] of what the function holds at most: its parameters, locals and
//! operands. A trap that leaves the global above the limit is the depth's. The body becomes the
//! block's without other changes: the block has the type of the function's result and takes the
//! place of the function's own label, so every branch keeps its target.

use wasm_encoder::{BlockType, InstructionSink};
use wasmparser::{BinaryReaderError, FunctionBody, Operator};

use crate::limits::{FRAME_BASE_BYTES, SLOT_BYTES, STACK_BYTES};

/// Name of the exported global that holds the metered stack's height.
pub(crate) const STACK_EXPORT: &str = "precinto_stack";

/// Metered bytes of a frame with this many slots.
pub(crate) fn frame_bytes(slots: u32) -> u32 {
    FRAME_BASE_BYTES + SLOT_BYTES * slots
}

/// What the rewriting of a body needs to know.
pub(crate) struct Frame {
    /// Index of the global that holds the stack's height.
    pub(crate) global: u32,
    /// Metered bytes of the function's frame.
    pub(crate) bytes: u32,
    /// Type of the function's result.
    pub(crate) result: BlockType,
}

/// The rewritten body (locals and instructions, without the length in front). `wasm` is the whole
/// module, of which `body` is a part; it is valid.
pub(crate) fn meter(
    wasm: &[u8],
    body: &FunctionBody<'_>,
    frame: &Frame,
) -> Result<Vec<u8>, BinaryReaderError> {
    let mut operators = body.get_operators_reader()?;
    let range = body.range();
    let start = operators.original_position();
    let mut metered = wasm[range.start..start].to_vec();
    enter(&mut metered, frame);
    let mut copied = start;
    // Blocks that are open around the current operator, the function's own not counted.
    let mut depth = 0;
    while !operators.eof() {
        let (operator, at) = operators.read_with_offset()?;
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => depth += 1,
            // The last `end` closes the function, and now the block.
            Operator::End => depth = u32::saturating_sub(depth, 1),
            Operator::Return => {
                metered.extend_from_slice(&wasm[copied..at]);
                InstructionSink::new(&mut metered).br(depth);
                copied = operators.original_position();
            }
            _ => {}
        }
    }
    metered.extend_from_slice(&wasm[copied..range.end]);
    leave(&mut metered, frame);
    Ok(metered)
}

fn enter(code: &mut Vec<u8>, frame: &Frame) {
    InstructionSink::new(code)
        .global_get(frame.global)
        .i32_const(frame.bytes.cast_signed())
        .i32_add()
        .global_set(frame.global)
        .global_get(frame.global)
        .i32_const(STACK_BYTES.cast_signed())
        .i32_gt_u()
        .if_(BlockType::Empty)
        .unreachable()
        .end()
        .block(frame.result);
}

fn leave(code: &mut Vec<u8>, frame: &Frame) {
    InstructionSink::new(code)
        .global_get(frame.global)
        .i32_const(frame.bytes.cast_signed())
        .i32_sub()
        .global_set(frame.global)
        .end();
}

#[cfg(test)]
mod tests;
