//! Our own table of the engine's traps: which are outcomes, and which stop the node.

use wasmtime::Trap;

/// A trap that is an outcome: it depends on the module and its input alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrapCode {
    /// An access outside the memory, by the module or by the host on its behalf.
    #[error("memory access out of bounds")]
    MemoryOutOfBounds,
    /// An indirect call through an element outside the table.
    #[error("table access out of bounds")]
    TableOutOfBounds,
    /// An indirect call through an empty element.
    #[error("indirect call of an empty table element")]
    IndirectCallToNull,
    /// An indirect call of a function of another type.
    #[error("indirect call of a function of another type")]
    BadSignature,
    /// A signed division that overflows.
    #[error("integer overflow")]
    IntegerOverflow,
    /// A division by zero.
    #[error("integer division by zero")]
    IntegerDivisionByZero,
    /// The instruction `unreachable`.
    #[error("unreachable code reached")]
    Unreachable,
}

/// What a trap of the engine means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// An outcome.
    Outcome(TrapCode),
    /// The fuel is used up: an outcome.
    OutOfFuel,
    /// Depends on the machine, or belongs to a feature that is switched off: stop the node.
    Fatal,
}

/// Classifies a trap. One that is not known here is fatal.
pub(crate) fn classify(trap: Trap) -> Class {
    match trap {
        Trap::MemoryOutOfBounds => Class::Outcome(TrapCode::MemoryOutOfBounds),
        Trap::TableOutOfBounds => Class::Outcome(TrapCode::TableOutOfBounds),
        Trap::IndirectCallToNull => Class::Outcome(TrapCode::IndirectCallToNull),
        Trap::BadSignature => Class::Outcome(TrapCode::BadSignature),
        Trap::IntegerOverflow => Class::Outcome(TrapCode::IntegerOverflow),
        Trap::IntegerDivisionByZero => Class::Outcome(TrapCode::IntegerDivisionByZero),
        Trap::UnreachableCodeReached => Class::Outcome(TrapCode::Unreachable),
        Trap::OutOfFuel => Class::OutOfFuel,
        _ => Class::Fatal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every trap of the engine in order of its discriminant, with its class. A version of the
    /// engine with another list fails here, and its new traps are to be thought about.
    #[rustfmt::skip]
    const TABLE: &[(&str, Class)] = &[
        ("StackOverflow", Class::Fatal),
        ("MemoryOutOfBounds", Class::Outcome(TrapCode::MemoryOutOfBounds)),
        ("HeapMisaligned", Class::Fatal),
        ("TableOutOfBounds", Class::Outcome(TrapCode::TableOutOfBounds)),
        ("IndirectCallToNull", Class::Outcome(TrapCode::IndirectCallToNull)),
        ("BadSignature", Class::Outcome(TrapCode::BadSignature)),
        ("IntegerOverflow", Class::Outcome(TrapCode::IntegerOverflow)),
        ("IntegerDivisionByZero", Class::Outcome(TrapCode::IntegerDivisionByZero)),
        ("BadConversionToInteger", Class::Fatal),
        ("UnreachableCodeReached", Class::Outcome(TrapCode::Unreachable)),
        ("Interrupt", Class::Fatal),
        ("OutOfFuel", Class::OutOfFuel),
        ("AtomicWaitNonSharedMemory", Class::Fatal),
        ("NullReference", Class::Fatal),
        ("ArrayOutOfBounds", Class::Fatal),
        ("AllocationTooLarge", Class::Fatal),
        ("CastFailure", Class::Fatal),
        ("CannotEnterComponent", Class::Fatal),
        ("NoAsyncResult", Class::Fatal),
        ("UnhandledTag", Class::Fatal),
        ("ContinuationAlreadyConsumed", Class::Fatal),
        ("DisabledOpcode", Class::Fatal),
        ("AsyncDeadlock", Class::Fatal),
        ("CannotLeaveComponent", Class::Fatal),
        ("CannotBlockSyncTask", Class::Fatal),
        ("InvalidChar", Class::Fatal),
        ("DebugAssertStringEncodingFinished", Class::Fatal),
        ("DebugAssertEqualCodeUnits", Class::Fatal),
        ("DebugAssertPointerAligned", Class::Fatal),
        ("DebugAssertUpperBitsUnset", Class::Fatal),
        ("StringOutOfBounds", Class::Fatal),
        ("ListOutOfBounds", Class::Fatal),
        ("InvalidDiscriminant", Class::Fatal),
        ("UnalignedPointer", Class::Fatal),
        ("TaskCancelNotCancelled", Class::Fatal),
        ("TaskCancelOrReturnTwice", Class::Fatal),
        ("SubtaskCancelAfterTerminal", Class::Fatal),
        ("TaskReturnInvalid", Class::Fatal),
        ("WaitableSetDropHasWaiters", Class::Fatal),
        ("SubtaskDropNotResolved", Class::Fatal),
        ("ThreadNewIndirectInvalidType", Class::Fatal),
        ("ThreadNewIndirectUninitialized", Class::Fatal),
        ("BackpressureOverflow", Class::Fatal),
        ("UnsupportedCallbackCode", Class::Fatal),
        ("CannotResumeThread", Class::Fatal),
        ("ConcurrentFutureStreamOp", Class::Fatal),
        ("ReferenceCountOverflow", Class::Fatal),
        ("StreamOpTooBig", Class::Fatal),
        ("WaitableSyncAndAsync", Class::Fatal),
        ("UncaughtException", Class::Fatal),
    ];

    #[test]
    fn every_trap_of_the_engine_is_classified() {
        let traps = (0..=u8::MAX).map_while(Trap::from_u8);
        let found: Vec<(String, Class)> =
            traps.map(|trap| (format!("{trap:?}"), classify(trap))).collect();
        let expected: Vec<(String, Class)> =
            TABLE.iter().map(|(name, class)| ((*name).to_owned(), *class)).collect();
        assert_eq!(found, expected);
    }
}
