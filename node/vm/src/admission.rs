//! Which modules may become contracts, and their metered form.

use precinto_protocol::{
    hash::{Hash, sha256},
    limits::MAX_MODULE_BYTES,
};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, GlobalSection, GlobalType,
    Module, RawSection, ValType as EncodedType,
};
use wasmparser::{
    BinaryReaderError, ConstExpr as ParsedConstExpr, DataKind, DataSectionReader, ElementItems,
    ElementKind, ElementSectionReader, ExportSectionReader, ExternalKind, FuncToValidate, FuncType,
    FuncValidatorAllocations, FunctionBody, GlobalSectionReader, ImportSectionReader,
    MemorySectionReader, Operator, Parser, Payload, TableSectionReader, TypeRef, TypeSectionReader,
    ValType, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

use crate::{
    imports::{IMPORTS, MODULE_NAME},
    limits::{
        MAX_BRANCH_TARGETS, MAX_EXPORTS, MAX_FRAME_SLOTS, MAX_FUNCTION_BYTES, MAX_FUNCTIONS,
        MAX_GLOBALS, MAX_MEMORY_BYTES, MAX_MERGES, MAX_NESTING, MAX_PARAMS, MAX_SEGMENTS,
        MAX_TABLE_ELEMENTS, MAX_TYPES, PAGE_BYTES,
    },
    stack::{Frame, STACK_EXPORT, frame_bytes, meter},
};

/// What a module may use: the first WASM without floats, and sign extension. Everything later
/// (bulk memory, several values, references, vectors, threads, exceptions) is refused, so that
/// there is less to meter and to get wrong.
pub(crate) const FEATURES: WasmFeatures =
    WasmFeatures::MUTABLE_GLOBAL.union(WasmFeatures::SIGN_EXTENSION);

/// Names of the exports the engine uses.
pub(crate) mod export {
    pub(crate) const MEMORY: &str = "memory";
    pub(crate) const ALLOC: &str = "alloc";
    pub(crate) const MARKER: &str = "precinto_interface_1";
    pub(crate) const CALL: &str = "call";
    pub(crate) const QUERY: &str = "query";
    pub(crate) const MIGRATE: &str = "migrate";
}

const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;

/// Functions a module must export (`migrate`: may), with their parameters and results.
const EXPORTS: [(&str, &[ValType], &[ValType]); 5] = [
    (export::MARKER, &[], &[]),
    (export::ALLOC, &[I32], &[I32]),
    (export::CALL, &[I32, I32], &[I64]),
    (export::QUERY, &[I32, I32], &[I64]),
    (export::MIGRATE, &[I32, I32], &[I64]),
];

/// A module that passed admission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    pub(crate) code_hash: Hash,
    /// The module with the meter of the stack and without custom sections.
    pub(crate) metered: Vec<u8>,
}

impl Admitted {
    /// SHA-256 of the module as it was submitted: its name on the ledger.
    pub fn code_hash(&self) -> Hash {
        self.code_hash
    }
}

/// Why a module cannot be a contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// Not a valid module of the allowed features.
    #[error("not a valid module without floats and later features: {0}")]
    Invalid(String),
    /// More of something than is allowed.
    #[error("the module has {found} {what}; at most {limit} are allowed")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: u64,
        /// How many may be.
        limit: u64,
    },
    /// An import that the interface does not have.
    #[error("the interface has no function {module:?} {name:?} of the imported type")]
    Import {
        /// The imported module.
        module: String,
        /// The imported name.
        name: String,
    },
    /// An export the interface needs is missing or of another type.
    #[error("the module must export {0:?} with the interface's type")]
    Export(&'static str),
    /// An export's name is the meter's.
    #[error("the export {STACK_EXPORT:?} is reserved")]
    ReservedExport,
    /// A start function would run outside every call.
    #[error("the module has a start function")]
    StartFunction,
    /// A data or element segment lies outside the initial memory or table.
    #[error("a data or element segment lies outside the initial memory or table")]
    SegmentOutOfBounds,
}

impl From<BinaryReaderError> for AdmissionError {
    fn from(error: BinaryReaderError) -> AdmissionError {
        AdmissionError::Invalid(error.to_string())
    }
}

type Result<T> = core::result::Result<T, AdmissionError>;

/// Checks a module and adds the meter of the stack to it.
///
/// # Errors
/// [`AdmissionError`]: the first rule the module breaks. Which one is the same on every node; the
/// text of [`AdmissionError::Invalid`] is for people.
pub fn admit(wasm: &[u8]) -> Result<Admitted> {
    at_most("bytes", wasm.len() as u64, MAX_MODULE_BYTES as u64)?;
    let mut validator = Validator::new_with_features(FEATURES);
    let mut admission = Admission::new(wasm);
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        match validator.payload(&payload)? {
            ValidPayload::Func(function, body) => admission.function(function, &body)?,
            ValidPayload::Ok | ValidPayload::End(_) | ValidPayload::Parser(_) => {
                admission.section(payload)?;
            }
        }
    }
    Ok(Admitted { code_hash: sha256(&[wasm]), metered: admission.finish()? })
}

fn at_most(what: &'static str, found: u64, limit: u64) -> Result<()> {
    if found > limit {
        return Err(AdmissionError::TooMany { what, found, limit });
    }
    Ok(())
}

/// One pass over a module: checks on the way in, the metered module on the way out.
struct Admission<'a> {
    wasm: &'a [u8],
    types: Vec<FuncType>,
    /// Type of every function, imported ones first.
    functions: Vec<u32>,
    globals: u32,
    globals_written: bool,
    memory_bytes: u64,
    has_memory: bool,
    table_elements: u64,
    exported: [bool; EXPORTS.len()],
    exports_memory: bool,
    /// Blocks, each counted for every parameter and local of its function.
    merges: u64,
    allocations: FuncValidatorAllocations,
    code: CodeSection,
    metered: Module,
}

impl<'a> Admission<'a> {
    fn new(wasm: &'a [u8]) -> Admission<'a> {
        Admission {
            wasm,
            types: Vec::new(),
            functions: Vec::new(),
            globals: 0,
            globals_written: false,
            memory_bytes: 0,
            has_memory: false,
            table_elements: 0,
            exported: [false; EXPORTS.len()],
            exports_memory: false,
            merges: 0,
            allocations: FuncValidatorAllocations::default(),
            code: CodeSection::new(),
            metered: Module::new(),
        }
    }

    /// Checks one section; all but those the meter changes are copied. Custom sections (names,
    /// debugging) are left out.
    fn section(&mut self, payload: Payload<'a>) -> Result<()> {
        let raw = payload.as_section();
        match payload {
            Payload::TypeSection(section) => self.types(section)?,
            Payload::ImportSection(section) => self.imports(section)?,
            Payload::FunctionSection(section) => {
                at_most("functions", section.count().into(), MAX_FUNCTIONS.into())?;
                for function in section {
                    self.functions.push(function?);
                }
            }
            Payload::TableSection(section) => self.tables(section)?,
            Payload::MemorySection(section) => self.memories(section)?,
            Payload::GlobalSection(section) => return self.globals(section),
            Payload::ExportSection(section) => return self.exports(section),
            Payload::StartSection { .. } => return Err(AdmissionError::StartFunction),
            Payload::ElementSection(section) => self.elements(section)?,
            Payload::DataSection(section) => self.data(section)?,
            // Function bodies come one by one; everything else is a custom section or a frame.
            _ => return Ok(()),
        }
        if let Some((id, range)) = raw {
            self.metered.section(&RawSection { id, data: &self.wasm[range] });
        }
        Ok(())
    }

    fn types(&mut self, section: TypeSectionReader<'a>) -> Result<()> {
        at_most("types", section.count().into(), MAX_TYPES.into())?;
        for function_type in section.into_iter_err_on_gc_types() {
            let function_type = function_type?;
            at_most("parameters", function_type.params().len() as u64, MAX_PARAMS as u64)?;
            self.types.push(function_type);
        }
        Ok(())
    }

    fn imports(&mut self, section: ImportSectionReader<'a>) -> Result<()> {
        at_most("imports", section.count().into(), IMPORTS.len() as u64)?;
        for import in section.into_imports() {
            let import = import?;
            let known = IMPORTS
                .iter()
                .find(|(name, ..)| import.module == MODULE_NAME && import.name == *name);
            match (known, import.ty) {
                (Some((_, params, results)), TypeRef::Func(index))
                    if self.has_type(index, params, results) =>
                {
                    self.functions.push(index);
                }
                _ => {
                    return Err(AdmissionError::Import {
                        module: import.module.into(),
                        name: import.name.into(),
                    });
                }
            }
        }
        Ok(())
    }

    fn has_type(&self, index: u32, params: &[ValType], results: &[ValType]) -> bool {
        self.types
            .get(index as usize)
            .is_some_and(|found| found.params() == params && found.results() == results)
    }

    fn tables(&mut self, section: TableSectionReader<'a>) -> Result<()> {
        for table in section {
            self.table_elements = table?.ty.initial;
            at_most("table elements", self.table_elements, MAX_TABLE_ELEMENTS)?;
        }
        Ok(())
    }

    fn memories(&mut self, section: MemorySectionReader<'a>) -> Result<()> {
        for memory in section {
            self.has_memory = true;
            self.memory_bytes = memory?.initial.saturating_mul(PAGE_BYTES as u64);
            at_most("bytes of initial memory", self.memory_bytes, MAX_MEMORY_BYTES as u64)?;
        }
        Ok(())
    }

    fn globals(&mut self, section: GlobalSectionReader<'a>) -> Result<()> {
        at_most("globals", section.count().into(), MAX_GLOBALS.into())?;
        let mut globals = GlobalSection::new();
        for global in section {
            let global = global?;
            let mut init = global.init_expr.get_binary_reader();
            // The encoder adds the `end` that the parser counts as part of the expression.
            let bytes = init.read_bytes(init.bytes_remaining() - 1)?;
            globals.global(
                GlobalType {
                    val_type: encoded(global.ty.content_type)?,
                    mutable: global.ty.mutable,
                    shared: false,
                },
                &ConstExpr::raw(bytes.iter().copied()),
            );
            self.globals += 1;
        }
        self.write_globals(globals);
        Ok(())
    }

    /// Adds the stack's height as the last global.
    fn write_globals(&mut self, mut globals: GlobalSection) {
        let height = GlobalType { val_type: EncodedType::I32, mutable: true, shared: false };
        globals.global(height, &ConstExpr::i32_const(0));
        self.metered.section(&globals);
        self.globals_written = true;
    }

    fn exports(&mut self, section: ExportSectionReader<'a>) -> Result<()> {
        at_most("exports", section.count().into(), MAX_EXPORTS.into())?;
        if !self.globals_written {
            self.write_globals(GlobalSection::new());
        }
        let mut exports = ExportSection::new();
        for found in section {
            let found = found?;
            if found.name == STACK_EXPORT {
                return Err(AdmissionError::ReservedExport);
            }
            let kind = match found.kind {
                ExternalKind::Func => {
                    self.function_export(found.name, found.index)?;
                    ExportKind::Func
                }
                ExternalKind::Memory => {
                    self.exports_memory |= found.name == export::MEMORY;
                    ExportKind::Memory
                }
                ExternalKind::Global => ExportKind::Global,
                ExternalKind::Table => ExportKind::Table,
                ExternalKind::Tag | ExternalKind::FuncExact => {
                    return Err(AdmissionError::Invalid("export of a later feature".into()));
                }
            };
            exports.export(found.name, kind, found.index);
        }
        exports.export(STACK_EXPORT, ExportKind::Global, self.globals);
        self.metered.section(&exports);
        Ok(())
    }

    fn function_export(&mut self, name: &str, function: u32) -> Result<()> {
        let Some(at) = EXPORTS.iter().position(|(known, ..)| *known == name) else {
            return Ok(());
        };
        let (known, params, results) = EXPORTS[at];
        let index = self.functions.get(function as usize).copied();
        self.exported[at] = index.is_some_and(|index| self.has_type(index, params, results));
        if self.exported[at] { Ok(()) } else { Err(AdmissionError::Export(known)) }
    }

    fn elements(&mut self, section: ElementSectionReader<'a>) -> Result<()> {
        at_most("element segments", section.count().into(), MAX_SEGMENTS.into())?;
        for element in section {
            let element = element?;
            let (ElementKind::Active { offset_expr, .. }, ElementItems::Functions(items)) =
                (&element.kind, &element.items)
            else {
                return Err(AdmissionError::Invalid("element segment of a later feature".into()));
            };
            in_bounds(offset_expr, items.count().into(), self.table_elements)?;
        }
        Ok(())
    }

    fn data(&mut self, section: DataSectionReader<'a>) -> Result<()> {
        at_most("data segments", section.count().into(), MAX_SEGMENTS.into())?;
        self.write_code();
        for data in section {
            let data = data?;
            let DataKind::Active { offset_expr, .. } = &data.kind else {
                return Err(AdmissionError::Invalid("data segment of a later feature".into()));
            };
            in_bounds(offset_expr, data.data.len() as u64, self.memory_bytes)?;
        }
        Ok(())
    }

    /// Validates a function's body and meters it.
    fn function(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'a>,
    ) -> Result<()> {
        at_most("bytes in a function", body.range().len() as u64, MAX_FUNCTION_BYTES as u64)?;
        let type_index = function.ty as usize;
        let mut validator = function.into_validator(core::mem::take(&mut self.allocations));
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        let mut operators = body.get_operators_reader()?;
        let (mut operands, mut nesting) = (0, 0);
        while !operators.eof() {
            let (operator, at) = operators.read_with_offset()?;
            validator.op(at, &operator)?;
            operands = operands.max(validator.operand_stack_height());
            if let Operator::BrTable { targets } = &operator {
                at_most("targets of a branch", targets.len().into(), MAX_BRANCH_TARGETS.into())?;
            }
            if matches!(
                operator,
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. }
            ) {
                // The function itself is the first.
                nesting = nesting.max(validator.control_stack_height() - 1);
                self.merges += u64::from(validator.len_locals());
            }
        }
        operators.finish()?;
        let slots = validator.len_locals().saturating_add(operands);
        self.allocations = validator.into_allocations();
        at_most("slots in a function", slots.into(), MAX_FRAME_SLOTS.into())?;
        at_most("blocks within each other", nesting.into(), MAX_NESTING.into())?;
        at_most("merged values", self.merges, MAX_MERGES)?;
        let result = match self.types[type_index].results() {
            [] => BlockType::Empty,
            [result, ..] => BlockType::Result(encoded(*result)?),
        };
        let frame = Frame { global: self.globals, bytes: frame_bytes(slots), result };
        self.code.raw(&meter(self.wasm, body, &frame)?);
        Ok(())
    }

    /// The code section follows the elements and comes before the data.
    fn write_code(&mut self) {
        if !self.code.is_empty() {
            self.metered.section(&core::mem::take(&mut self.code));
        }
    }

    fn finish(mut self) -> Result<Vec<u8>> {
        self.write_code();
        if !self.has_memory || !self.exports_memory {
            return Err(AdmissionError::Export(export::MEMORY));
        }
        for ((name, ..), exported) in EXPORTS.iter().zip(self.exported) {
            if !exported && *name != export::MIGRATE {
                return Err(AdmissionError::Export(name));
            }
        }
        Ok(self.metered.finish())
    }
}

fn encoded(value: ValType) -> Result<EncodedType> {
    match value {
        ValType::I32 => Ok(EncodedType::I32),
        ValType::I64 => Ok(EncodedType::I64),
        _ => Err(AdmissionError::Invalid("a type of a later feature".into())),
    }
}

/// Whether `len` items at a constant offset lie within `size`, so that instantiation cannot trap.
fn in_bounds(offset: &ParsedConstExpr<'_>, len: u64, size: u64) -> Result<()> {
    let Operator::I32Const { value } = offset.get_operators_reader().read()? else {
        return Err(AdmissionError::Invalid("a segment's offset must be a constant".into()));
    };
    let end = u64::from(value.cast_unsigned()) + len;
    if end <= size { Ok(()) } else { Err(AdmissionError::SegmentOutOfBounds) }
}
